"""Every recipe of docs/hosting.md is followed: its files, its command, the official client."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.hosts.client import SHORT, TRANSPORTS, checked
from tests.hosts.inside import ask
from tests.hosts.processes import serving
from tests.hosts.proxy import proxied
from tests.hosts.recipes import PAGES, Recipe, followed, recipes

RECIPES = recipes()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: f"{recipe.section}: {recipe.command[0]}")
def test_a_recipe(recipe: Recipe, tmp_path: Path) -> None:
    transports = TRANSPORTS[:1] if recipe.section == "Several workers" else TRANSPORTS
    checks = SHORT if recipe.section == "Several workers" else (*SHORT, "gone")
    with ExitStack() as stack:
        up = stack.enter_context(followed(recipe, tmp_path))
        if "nginx" in recipe.section:
            up = stack.enter_context(proxied(tmp_path, up.port))
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
    with serving(command) as behind, proxied(tmp_path, behind.port) as up:
        outcomes = checked(f"{up.url}/api/hubs/clock", checks=("call", "gone"))
        assert set(outcomes.values()) == {"ok"}, outcomes


async def test_nginx_passes_refusals_on(tmp_path: Path) -> None:
    with serving(["uvicorn", "--port", "0", "tests.hosts.apps:plain"]) as behind, proxied(tmp_path, behind.port) as up:
        assert json.loads((await ask(up.url, "POST", "/api/clock/negotiate")).body)["availableTransports"]
        for method, target, status in (
            ("POST", "/api/clock/negotiate/", 200),
            ("POST", "/api//clock?id=none", 404),
            ("GET", "/api/clock", 400),
            ("PUT", "/api/clock", 405),
        ):
            assert (await ask(up.url, method, target)).status == status


@pytest.mark.parametrize("ip_hash", [True, False])
def test_workers_behind_nginx_that_sends_each_client_to_one(ip_hash: bool, tmp_path: Path) -> None:
    command = ["uvicorn", "--port", "0", "tests.hosts.apps:plain"]
    with serving(command) as first, serving(command) as second:
        with proxied(tmp_path, first.port, second.port, ip_hash=ip_hash) as up:
            outcomes = checked(f"{up.url}/api/clock", checks=("call",))
        assert (set(outcomes.values()) == {"ok"}) is ip_hash, outcomes
        if not ip_hash:
            assert "give all of them the same secret=" in first.log() + second.log()


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
