"""Duplex byte pipes, gathered output and the one timer. Imports `protocol` and below; knows nothing of hubs or HTTP."""
