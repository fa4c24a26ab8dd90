"""The documentation's streaming sample: a hub, its page, and the server for both. Uses the public API only."""
