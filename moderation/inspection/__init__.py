"""Probes: published, told from other events, and rejected."""
