"""`python -m local.broker`: an Event Grid namespace on this machine."""

import asyncio
import sys

from local.broker.options import read_options
from local.broker.program import serve


def main() -> int:
    """Serves until told to stop; 0 after an orderly stop."""
    return asyncio.run(serve(read_options(sys.argv[1:])))


if __name__ == "__main__":
    sys.exit(main())
