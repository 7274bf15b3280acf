"""`python -m eventgrid_emulator`: an Event Grid namespace on this machine."""

import gc
import os
import sys


def main() -> int:
    """Serve until stopped; return 0 then, 130 when interrupted before it answered."""
    try:
        # Inside the try, so that Ctrl-C during these imports prints no traceback.
        gc.disable()  # modules stay: scanning them costs a tenth of the start
        import asyncio

        from eventgrid_emulator.cli import descriptors
        from eventgrid_emulator.cli.options import read_options
        from eventgrid_emulator.cli.serve import serve

        gc.freeze()
        gc.enable()
        descriptors.raise_limit()
        return asyncio.run(serve(read_options(sys.argv[1:], os.environ)))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
