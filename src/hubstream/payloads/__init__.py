"""Values to encoded bytes and back, by declared types: names and forms of Python's or of .NET's.

Imports errors and naming. Never blocks.
"""

from hubstream.payloads.bind import (
    BINDING_ERRORS,
    ENCODING_ERRORS,
    ArgumentCountError,
    Binder,
    BindError,
    Decode,
    Encode,
    EncodeError,
    binder,
    describe,
)
from hubstream.payloads.style import DOTNET, PYTHON, Payloads, ProtocolName

__all__ = [
    "BINDING_ERRORS",
    "DOTNET",
    "ENCODING_ERRORS",
    "PYTHON",
    "ArgumentCountError",
    "BindError",
    "Binder",
    "Decode",
    "Encode",
    "EncodeError",
    "Payloads",
    "ProtocolName",
    "binder",
    "describe",
]
