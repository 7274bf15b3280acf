"""Events that a person receives, looks at and settles."""
