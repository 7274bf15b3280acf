"""The build backend of the repository itself, which is an app and no package: it says so.

Any Python from 3.6 on reads this.
"""

ADVICE = """
This repository is an Azure Functions app: it is deployed, not installed. What can be installed is

    pip install eventgrid-emulator        an Event Grid namespace on your machine
    pip install eventgrid-pull            pull delivery for Azure Functions apps

and from a clone of it: pip install ./eventgrid_emulator, or pip install ./eventgrid_pull.
To run the app itself: python3 dev.py run
"""


def build_wheel(*_arguments: object, **_options: object) -> str:
    """End with what to install instead; every hook of a build does."""
    raise SystemExit(ADVICE)


build_sdist = build_editable = build_wheel
get_requires_for_build_wheel = get_requires_for_build_sdist = build_wheel
get_requires_for_build_editable = build_wheel
