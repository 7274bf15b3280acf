"""The application: publishes moderation events, pulls them back and settles each one."""
