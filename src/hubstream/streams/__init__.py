"""Streams inside a process: bounded channels. Imports `errors` only; knows nothing of connections or hubs."""
