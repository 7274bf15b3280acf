"""The one Python that this app is packed for: another one is refused, with a sentence.

Packages come built for one Python. On another one no module of theirs is found, and the
app would only show no function. Nothing here needs more than any Python has.
"""

import sys

WANTED = (3, 13)


class WrongPython(RuntimeError):
    """The app cannot run on this Python, or its packages cannot; the text says which."""


def check(running: tuple[int, ...] = sys.version_info[:3]) -> None:
    """Raise WrongPython unless the app and its packages run on this Python."""
    wanted = ".".join(map(str, WANTED))
    if running[:2] != WANTED:
        started = ".".join(map(str, running))
        raise WrongPython(
            f"This app is packed for Python {wanted} and was started on Python {started}: "
            f"in Azure set functionAppConfig.runtime.version to {wanted} (infra/ does) and "
            "deploy again, without a build there; elsewhere start it on that Python."
        )
    try:
        import msgspec  # noqa: F401 - stands for all packages that are built
    except ImportError as error:
        raise WrongPython(
            f"The packages beside this app do not work on Python {wanted} of this system "
            f"({error}): deploy what `python3 dev.py package` makes, without a build in "
            "Azure."
        ) from error
