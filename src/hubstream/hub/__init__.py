"""Hubs: what a method is, how calls are dispatched and run.

Knows nothing of HTTP but the request object; `server` alone wires hubs to transports.
"""
