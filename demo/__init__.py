"""The documentation's streaming sample: a hub, a page that uses it, and the server for both. Uses the public API only."""
