"""What it takes to drain: requests, seconds and delay, by rate, manner and pace."""
