"""What a client costs: ours beside the .NET client and others of Python. See `python -m bench.clients --help`."""
