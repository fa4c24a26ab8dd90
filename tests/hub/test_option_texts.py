"""What is said of an option's default is its default."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields
from itertools import pairwise

import pytest

from hubstream.hub.options import HubOptions, Options
from hubstream.payloads.style import PYTHON
from hubstream.transports.asgi.endpoint import TransportOptions

DEFAULTS = HubOptions()
NAMES = [option.name for option in fields(HubOptions)]
IN_WORDS = {"secret": None, "payloads": PYTHON, "factory": None, "authenticate": None}
"""Options whose text says what their default does."""


def texts() -> dict[str, str]:
    """The text below each option of `Options`."""
    (definition,) = ast.parse(inspect.getsource(Options)).body
    assert isinstance(definition, ast.ClassDef)
    return {
        option.target.id: ast.literal_eval(text.value)
        for option, text in pairwise(definition.body)
        if isinstance(option, ast.AnnAssign) and isinstance(option.target, ast.Name) and isinstance(text, ast.Expr)
    }


def written(default: bool | float | tuple[str, ...]) -> str:
    """A default as a text says it."""
    if isinstance(default, bool):
        return str(default)
    if isinstance(default, tuple):
        return " and ".join(filter(None, [", ".join(default[:-1]), *default[-1:]])) or "none"
    return f"{default:,}".removesuffix(".0")


def test_every_option_is_a_keyword_and_documented() -> None:
    assert list(Options.__annotations__) == NAMES == list(texts())


@pytest.mark.parametrize("name", NAMES)
def test_the_text_says_the_default(name: str) -> None:
    default = getattr(DEFAULTS, name)
    if name in IN_WORDS:
        assert default is IN_WORDS[name]
    else:
        assert f"; {written(default)}." in texts()[name]


@pytest.mark.parametrize("name", [option.name for option in fields(TransportOptions)])
def test_the_transports_have_the_same_defaults(name: str) -> None:
    ours, theirs = getattr(DEFAULTS, name), getattr(TransportOptions(), name)
    if name in {"transports", "origins"}:
        ours, theirs = set(ours), set(theirs or ())
    assert theirs == ours
