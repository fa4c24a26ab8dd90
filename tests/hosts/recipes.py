"""The recipes of docs/hosting.md, as files and commands."""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.hosts.processes import Program, free_port, serving

__all__ = ["PAGES", "PORT", "Recipe", "followed", "nginx", "recipes"]

PAGE = Path(__file__).parents[2] / "docs" / "hosting.md"
HUB = Path(__file__).with_name("clock.py")
PORT = "8000"
"""The port all recipes name."""
PAGES = "https://pages.example.com"
"""The origin they let in."""
ENVIRONMENT = {"HUB_SECRET": "a secret of at least 16 bytes"}


class Recipe(NamedTuple):
    """One command of the page."""

    section: str
    files: dict[str, str]
    """What is there when it is run: name to content, sections above it first."""
    command: list[str]
    path: str
    """Where clients connect to."""

    def write(self, folder: Path, port: int) -> list[str]:
        """Lay out its files, with the tests' hub as `clock.py`; the command, for this port."""
        shutil.copy(HUB, folder / "clock.py")
        for name, content in self.files.items():
            (folder / name).write_text(content.replace(PORT, str(port)), encoding="utf-8")
        return [argument.replace(PORT, str(port)) for argument in self.command]


def recipes() -> list[Recipe]:
    """All of them, in the order of the page."""
    found: list[Recipe] = []
    first: dict[str, str] = {}
    for section in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0]
        path = ""
        files = dict(first)
        for kind, code, said in re.findall(
            r"^```(\w+)\n(.*?)^```$|^Clients connect to `(.*?)`", section, re.MULTILINE | re.DOTALL
        ):
            if kind == "python":
                name = re.match(r"# (\w+\.py)\n", code)
                assert name, f"a block of {title} does not say which file it is"
                files[name[1]] = code
                first = first or dict(files)
            elif kind == "sh":
                (command,) = code.splitlines()
                found.append(Recipe(title, dict(files), command.split(), path))
            elif said:
                path = said
                found[-1] = found[-1]._replace(path=path)
    return found


def nginx() -> str:
    """The configuration of the page, without what is around it."""
    (block,) = re.findall(r"^```nginx\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert isinstance(block, str)
    return block


@contextmanager
def followed(recipe: Recipe, folder: Path) -> Generator[Program]:
    """The recipe's server, as its own text says."""
    with free_port() as port:
        command = recipe.write(folder, port)
    # uvicorn takes no port that another socket holds, so that this one is free again; nobody else asks for it meanwhile.
    with serving(command, port, folder, ENVIRONMENT) as up:
        yield up
