"""What every test folder shares."""

import os

from hypothesis import HealthCheck, settings

from tools import bicep
from tools.terminal import CannotGoOn

# Slowness says something about the machine, not about the code.
settings.register_profile(
    "default", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "ci",
    deadline=None,
    max_examples=300,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_report_header() -> str:
    """Which Bicep compiler the tests of infra/ use, or that they are skipped."""
    try:
        return bicep.describe(os.environ)
    except CannotGoOn as error:
        return f"Bicep: {error}"
