"""How many files and connections this process may have open."""

import sys
from contextlib import suppress

if sys.platform != "win32":
    import resource

ENOUGH = 10_240  # what macOS gives at most to a program that asks


def raise_limit() -> None:
    """Allow this process, and what it starts, as many as the machine permits."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
