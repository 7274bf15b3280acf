"""What is asked of Azure from a laptop: how a deployment is, and what to connect to."""
