"""A local broker that behaves like an Azure Event Grid namespace."""

from local.broker.local_namespace import LocalNamespace

__all__ = ["LocalNamespace"]
