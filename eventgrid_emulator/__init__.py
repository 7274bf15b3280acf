"""An emulator that behaves like an Azure Event Grid namespace."""

from eventgrid_emulator.testing import EmulatedNamespace

__all__ = ["EmulatedNamespace"]
