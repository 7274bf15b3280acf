"""What people and scripts ask over HTTP: the page and its API. No pull needs any of it."""
