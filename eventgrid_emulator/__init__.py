"""A local broker that behaves like an Azure Event Grid namespace."""

from eventgrid_emulator.testing import LocalNamespace

__all__ = ["LocalNamespace"]
