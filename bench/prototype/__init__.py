"""The yardstick: the smallest hub that answers the benchmark's calls, with every trick and nothing else.

It is here to be measured beside the real one in the same run. It has no keep-alive, limits, authorisation, filters,
logging or error policy, trusts whatever comes in, and must not be used for anything but that. `asgi.py` is its "plain"
column (an ordinary ASGI application on stock uvicorn), `fast.py` its "fast" one (a WebSocket class of its own inside
uvicorn).
"""
