"""The filters of event subscriptions: what they may be, and what they say of an event."""
