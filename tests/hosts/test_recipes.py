"""Every recipe of docs/hosting.md is followed: its files, its command, the official client."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.hosts.client import SHORT, TRANSPORTS, checked
from tests.hosts.inside import ask
from tests.hosts.processes import Program, free_port, serving
from tests.hosts.recipes import PORT, Recipe, nginx, recipes

RECIPES = recipes()
PAGES = "https://pages.example.com"
ENVIRONMENT = {"HUB_SECRET": "a secret of at least 16 bytes"}


@contextmanager
def followed(recipe: Recipe, folder: Path) -> Generator[Program]:
    """The recipe's server, as its own text says."""
    with free_port() as port:
        command = recipe.write(folder, port)
    # uvicorn takes no port that another socket holds, so that this one is free again; nobody else asks for it meanwhile.
    with serving(command, port, folder, ENVIRONMENT) as up:
        yield up


@contextmanager
def proxied(upstream: int, folder: Path) -> Generator[Program]:
    """nginx, with the page's configuration, in front of a port."""
    with free_port() as port:
        own = nginx().replace("listen 80;", f"listen 127.0.0.1:{port} reuseport;").replace(PORT, str(upstream))
        temporary = "".join(
            f"{name}_temp_path {folder / name};\n" for name in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
        )
        user = "user root;\n" if os.getuid() == 0 else ""
        configuration = folder / "nginx.conf"
        configuration.write_text(
            f"{user}pid {folder / 'nginx.pid'};\ndaemon off;\nerror_log stderr;\nworker_processes 1;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}{own}}}\n",
            encoding="utf-8",
        )
        with serving(["nginx", "-c", str(configuration), "-p", str(folder)], port) as up:
            yield up


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: f"{recipe.section}: {recipe.command[0]}")
def test_a_recipe(recipe: Recipe, tmp_path: Path) -> None:
    transports = TRANSPORTS[:1] if recipe.section == "Several workers" else TRANSPORTS
    checks = SHORT if recipe.section == "Several workers" else (*SHORT, "gone")
    with ExitStack() as stack:
        up = stack.enter_context(followed(recipe, tmp_path))
        if "nginx" in recipe.section:
            up = stack.enter_context(proxied(up.port, tmp_path))
        outcomes = checked(up.url + recipe.path, transports, checks)
        wrong = {name: outcome for name, outcome in outcomes.items() if outcome != "ok"}
        assert wrong == {}, up.log()[-2000:]


@pytest.mark.parametrize("section", ["FastAPI", "Starlette", "Litestar"])
async def test_the_cors_of_a_framework(section: str, tmp_path: Path) -> None:
    recipe = next(recipe for recipe in RECIPES if recipe.section == section)
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-requested-with"}
    with followed(recipe, tmp_path) as up:
        negotiate = f"{recipe.path}/negotiate?negotiateVersion=1"
        for method, target, headers in (
            ("POST", negotiate, {}),
            ("OPTIONS", negotiate, asked),
            ("DELETE", f"{recipe.path}?id=none", {}),
        ):
            answer = await ask(up.url, method, target, {"Origin": PAGES, **headers})
            assert answer.headers["access-control-allow-origin"] == PAGES
            assert answer.headers["access-control-allow-credentials"] == "true"
            other = await ask(up.url, method, target, {"Origin": "https://other.example.com", **headers})
            assert other.headers.get("access-control-allow-origin") is None


@pytest.mark.parametrize("root_path", ["", "/api"])
def test_nginx_in_front_of_a_root_path(root_path: str, tmp_path: Path) -> None:
    command = ["uvicorn", "--port", "0", "--root-path", root_path, "tests.hosts.apps:mounted"]
    with serving(command) as behind, proxied(behind.port, tmp_path) as up:
        outcomes = checked(f"{up.url}/api/hubs/clock", checks=("call", "gone"))
        assert set(outcomes.values()) == {"ok"}, outcomes


async def test_nginx_passes_refusals_on(tmp_path: Path) -> None:
    with serving(["uvicorn", "--port", "0", "tests.hosts.apps:plain"]) as behind, proxied(behind.port, tmp_path) as up:
        assert json.loads((await ask(up.url, "POST", "/api/clock/negotiate")).body)["availableTransports"]
        for method, target, status in (
            ("POST", "/api/clock/negotiate/", 200),
            ("POST", "/api//clock?id=none", 404),
            ("GET", "/api/clock", 400),
            ("PUT", "/api/clock", 405),
        ):
            assert (await ask(up.url, method, target)).status == status


def test_every_server_and_framework_has_a_recipe() -> None:
    assert [recipe.section for recipe in RECIPES] == [
        "uvicorn",
        "gunicorn",
        "hypercorn",
        "hypercorn",
        "granian",
        "FastAPI",
        "FastAPI",
        "Starlette",
        "Litestar",
        "nginx in front",
        "Several workers",
    ]
