"""The conformance server: the hubs every client driver is checked against, built on the public API alone.

`python -m conformance --port N` serves `/conformance` and `/bench` as the reference server in .NET does, and what only
this project's own tests need: `/strain` and `GET /stats`. Names and texts are .NET's: both servers answer alike.
"""
