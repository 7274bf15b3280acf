"""What `dev.py` runs: the local stack, checks of a deployment, benches. Never deployed."""
