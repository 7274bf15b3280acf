"""A local broker that behaves like an Azure Event Grid namespace."""
