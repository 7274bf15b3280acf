"""What to say where nothing listens on an address of this machine."""

from eventgrid_pull.settings.addresses import is_loopback

START = "`python3 dev.py run` starts the local stack"


def refused(error: BaseException | None) -> str | None:
    """Return what to say of a connection that this machine refused; None for others.

    `error` is aiohttp's for a connection that failed.
    """
    host, port = getattr(error, "host", None), getattr(error, "port", None)
    cause = getattr(error, "os_error", None)
    if not isinstance(cause, ConnectionRefusedError) or not is_loopback(str(host)):
        return None
    return f"nothing listens on port {port} of this machine: {START}"
