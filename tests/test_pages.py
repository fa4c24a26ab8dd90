"""What the pages list in tables is what there is."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from hubstream import PYTHON, HubConnection
from hubstream.hub.options import HubOptions

DOCS = Path(__file__).parents[1] / "docs"
IN_WORDS = {
    (): "none",
    PYTHON: "as Python has it",
    HubOptions().protocols: "json, messagepack",
    HubOptions().transports: "all three",
}
CLASSES = {"factory": "the class"}


def rows(page: str, heading: str) -> dict[str, str]:
    """The first two columns of the table below a heading."""
    text = (DOCS / page).read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", text, re.MULTILINE))


def test_every_option_is_listed() -> None:
    assert list(rows("hubs.md", "Options")) == [option.name for option in fields(HubOptions)]


@pytest.mark.parametrize("name", [option.name for option in fields(HubOptions)])
def test_with_its_default(name: str) -> None:
    written = CLASSES.get(name) or in_words(getattr(HubOptions(), name))
    assert rows("hubs.md", "Options")[name] == written


def test_the_clients_options_are_listed_with_their_defaults() -> None:
    options = list(inspect.signature(HubConnection).parameters.values())[1:]
    assert rows("client.md", "Options") == {option.name: in_words(option.default) for option in options}


def in_words(default: Any) -> str:
    if default in IN_WORDS:
        return IN_WORDS[default]
    return f"{default:,g}" if type(default) in {int, float} else str(default)
