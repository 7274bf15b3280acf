"""`python -m eventgrid_emulator`: an Event Grid namespace on this machine."""

import os
import sys


def main() -> int:
    """Serves until told to stop; 0 after an orderly stop, 130 when told before it ran."""
    try:
        # Whoever presses Ctrl-C while these are imported wants no traceback either.
        import asyncio

        from eventgrid_emulator import descriptors
        from eventgrid_emulator.cli import serve
        from eventgrid_emulator.cli_options import read_options

        descriptors.raise_limit()
        return asyncio.run(serve(read_options(sys.argv[1:], os.environ)))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
