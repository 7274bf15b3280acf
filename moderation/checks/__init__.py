"""What does not agree in settings, topology and host.json, before it hurts."""
