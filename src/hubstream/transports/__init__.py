"""What carries a connection's bytes. Knows nothing of hubs; imports `errors`, `types`, `naming`, `protocol` and `connection`."""
