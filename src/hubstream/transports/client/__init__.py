"""The client's transports over aiohttp: negotiation, the choice of a transport, and the three of them."""
