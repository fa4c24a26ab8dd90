"""The server's transports over ASGI: paths, negotiation, and WebSockets."""
