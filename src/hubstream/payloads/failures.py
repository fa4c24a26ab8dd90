"""What goes wrong between values and bytes, and how it is said.

Imports nothing of the package. Never blocks.
"""

from __future__ import annotations

import re

import msgspec

__all__ = [
    "BINDING_ERRORS",
    "ENCODING_ERRORS",
    "ArgumentCountError",
    "BindError",
    "EncodeError",
    "Misfit",
    "describe",
    "locate",
]

BINDING_ERRORS: tuple[type[Exception], ...] = (Exception,)
"""What a decoder may raise: msgspec's errors, bad UTF-8, too deep nesting, and what a declared class raises when it is made."""

ENCODING_ERRORS: tuple[type[Exception], ...] = (Exception,)
"""What an encoder may raise: msgspec's errors, half a surrogate pair, a number out of range, what a property raises."""


_SHOWN = re.compile(r"(Invalid (?:enum )?value) .*?( - at `[^'\"]*`)?", re.DOTALL)
"""What msgspec says of a value that is none of an enumeration's, a Literal's or a union's: the value stands in it."""


class Misfit(ValueError):
    """A value that does not fit, seen from inside: what, and where below the value."""

    def __init__(self, text: str, path: str = "") -> None:
        super().__init__(text, path)
        self.text = text
        self.path = path

    def __str__(self) -> str:
        return f"{self.text} - at `${self.path}`" if self.path else self.text


class BindError(ValueError):
    """Bytes that do not fit the declared type: what is wrong and where, never the value."""


class ArgumentCountError(BindError):
    """A call came with more or fewer arguments than its method takes.

    Attributes:
        provided: How many came.
        expected: How many the method declares, those that may be left out included.
    """

    def __init__(self, provided: int, expected: int) -> None:
        super().__init__(f"{provided} argument(s) provided, {expected} expected")
        self.provided = provided
        self.expected = expected


class EncodeError(ValueError):
    """A value that cannot be written; nothing of it was."""

    why: str = ""
    """The reason alone."""

    @classmethod
    def of(cls, value: object, error: Exception) -> EncodeError:
        """The error for a value no encoder could write, by the value's class; the value itself is never shown."""
        why = error.why if isinstance(error, EncodeError) else describe(error)
        made = cls(f"a value of class {type(value).__qualname__} cannot be written: {why}")
        made.why = why
        return made


def describe(error: Exception) -> str:
    """A binding or encoding error in words for the other side: what and where, never the value."""
    if isinstance(error, UnicodeDecodeError):
        return "the text is not valid UTF-8"
    if isinstance(error, UnicodeEncodeError):
        return "the text holds half of a surrogate pair"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, msgspec.MsgspecError):
        shown = _SHOWN.fullmatch(str(error))
        return str(error) if shown is None else f"{shown[1]}{shown[2] or ''}"
    if isinstance(error, (Misfit, BindError, EncodeError)):
        return str(error)
    text = str(error)
    return text if text and isinstance(error, (ValueError, TypeError, OverflowError)) else type(error).__name__


def locate(error: Exception, step: str) -> Misfit:
    """The same error seen from one level further out."""
    if isinstance(error, Misfit):
        # Cut where nobody reads on: what is nested without end fails a thousand levels down.
        return Misfit(error.text, (step + error.path)[:200])
    text, found, inner = describe(error).partition(" - at `$")
    return Misfit(text, step + inner.removesuffix("`") if found else step)
