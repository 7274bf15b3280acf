"""Dead letters: read as Event Grid writes them, listed, and redriven."""
