"""The only door to azure.storage.blob."""
