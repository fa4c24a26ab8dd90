"""Pydantic's classes, where pydantic is installed and in use: it validates them and writes them, by their own aliases.

Imports payloads' own files; pydantic itself only once a program has. Never blocks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from msgspec import Raw

from hubstream.errors import MappingError
from hubstream.payloads.failures import Misfit

__all__ = ["constrains", "is_model", "json_reader", "owns", "python_reader", "to_json", "to_python"]

_CONSTRAINTS = ("pydantic", "annotated_types")
_FIELDS = {"pydantic.fields", "annotated_types"}


def owns(node: Any, beside: tuple[object, ...] = ()) -> bool:
    """Whether pydantic reads this type: a model, one of its dataclasses, or anything with its constraints beside it."""
    if "pydantic" not in sys.modules:
        return False
    if isinstance(node, type) and "__pydantic_validator__" in node.__dict__:
        return True
    return any(type(b).__module__.partition(".")[0] in _CONSTRAINTS for b in beside)


def constrains(beside: tuple[object, ...]) -> bool:
    """Whether pydantic only looks at the value: no validator of its own has to see what was sent."""
    return bool(beside) and all(type(b).__module__ in _FIELDS for b in beside)


def is_model(cls: type) -> bool:
    """Whether it is a model's class."""
    return "pydantic" in sys.modules and issubclass(cls, sys.modules["pydantic"].BaseModel)


def json_reader(annotation: Any) -> Callable[[Any], Any]:
    """Reads encoded JSON."""
    validate = _adapter(annotation).validate_json
    return _translated(lambda raw: validate(bytes(raw)))


def python_reader(annotation: Any) -> Callable[[Any], Any]:
    """Reads what MessagePack gave: builtins, bytes and datetimes."""
    return _translated(_adapter(annotation).validate_python)


def to_json(model: Any) -> Raw:
    """A model as JSON."""
    return Raw(model.model_dump_json(by_alias=True).encode())


def to_python(model: Any) -> dict[str, Any]:
    """A model as a dict, its values as they are."""
    dumped: dict[str, Any] = model.model_dump(by_alias=True)
    return dumped


def _adapter(annotation: Any) -> Any:
    import pydantic  # noqa: PLC0415 - optional, and here only when the program has imported it

    try:
        return pydantic.TypeAdapter(annotation)
    except Exception as error:
        raise MappingError(f"pydantic cannot read {annotation!r}: {error}") from error


def _translated(validate: Callable[[Any], Any]) -> Callable[[Any], Any]:
    import pydantic  # noqa: PLC0415 - as above

    def read(value: Any) -> Any:
        try:
            return validate(value)
        except pydantic.ValidationError as error:
            # Pydantic's own text shows what was sent; ours says what is wrong and where.
            first, *others = error.errors(include_url=False, include_context=False, include_input=False)
            more = f" (and {len(others)} more)" if others else ""
            path = "".join(f".{step}" if isinstance(step, str) else f"[{step}]" for step in first["loc"])
            raise Misfit(first["msg"] + more, path) from None

    return read
