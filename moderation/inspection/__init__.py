"""Probes: published, recognised among other events, and rejected."""
