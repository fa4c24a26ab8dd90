"""What fits hubs into particular frameworks and servers; nothing here is imported unless it is asked for by its own name."""
