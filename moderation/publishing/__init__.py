"""From a request's body to events in the topic, in somebody's name."""
