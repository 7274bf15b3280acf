"""The application: publishes moderation events, pulls them back and settles each one."""

__version__ = "0.1.0"
