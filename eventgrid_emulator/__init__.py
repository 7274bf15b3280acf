"""An emulator that behaves like an Azure Event Grid namespace."""

import sys
from typing import TYPE_CHECKING

if sys.version_info < (3, 12):  # noqa: UP036  (a copied folder meets any Python)
    raise SystemExit(
        "eventgrid-emulator needs Python 3.12 or newer, and this is "
        f"{sys.version_info[0]}.{sys.version_info[1]} ({sys.executable}). With uv: "
        "uvx --python 3.13 eventgrid-emulator"
    )
if TYPE_CHECKING:
    from eventgrid_emulator.testing import EmulatedNamespace

__all__ = ["EmulatedNamespace"]


def __getattr__(name: str) -> object:
    """Import the class when it is asked for: the command and the plugin start sooner."""
    if name != "EmulatedNamespace":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from eventgrid_emulator.testing import EmulatedNamespace

    return EmulatedNamespace
