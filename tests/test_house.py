"""The house's own rules that no linter knows: file sizes, what a module says of itself, names that say nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = sorted((ROOT / "src").rglob("*.py"))
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_a_file_has_one_idea_and_says_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 600, "no file is longer than 600 lines: split it"
    assert path.stem not in SAYS_NOTHING
    assert not text or ast.get_docstring(ast.parse(text)), "a module's docstring says what it does"
