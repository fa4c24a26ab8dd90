"""The recorder, over a network that is cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.examples.running import Running, run, served, started
from tests.interop.relay import relaying


async def record(recorder: Running) -> dict[str, Any]:
    """The next line, without its time."""
    line: dict[str, Any] = json.loads(await recorder.line())
    assert line.pop("at").endswith("Z")
    return line


@pytest.mark.parametrize("after", [True, False])
async def test_it_goes_on_after_a_cut_and_says_so(tmp_path: Path, after: bool) -> None:
    option = ["--after", "2:number"] if after else []
    with served("recorder.feed:app", tmp_path) as server:
        async with (
            relaying(server.url) as relay,
            started("recorder", f"{relay.url}/prices", "prices", "TEA", *option) as recorder,
        ):
            for n in range(1, 6):
                item = (await record(recorder))["item"]
                assert (item["number"], item["symbol"]) == (n, "TEA")
            relay.cut()
            last = 5
            while "gap" not in (line := await record(recorder)):  # what had come before the cut comes before the line
                last += 1
                assert line["item"]["number"] == last
            assert set(line) == {"gap", "why"}
            assert 0 <= line["gap"] < 10
            for n in range(1, 6):
                assert (await record(recorder))["item"]["number"] == n + (last if after else 0)
            code, errors = await recorder.interrupt()
            assert code == 0
            assert errors.count("Trying again.") == 1
            assert "Traceback" not in errors


def test_it_appends_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text('{"before": true}\n', encoding="utf-8")
    with served("recorder.feed:app", tmp_path) as server:
        ran = run("recorder", f"{server.url}/prices", "prices", "{}", "--out", str(out), folder=tmp_path)
        assert ran.returncode == 1
        assert ran.stderr.startswith("recorder: Failed to invoke 'prices'")
    assert out.read_text(encoding="utf-8") == '{"before": true}\n'


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["http://127.0.0.1:9/prices", "prices"], "recorder: "),
        (["nowhere", "prices"], "recorder: the hub's URL is like http://host/hub, not 'nowhere'"),
        (["http://127.0.0.1:9/prices", "prices", "--out", "/no/such/folder"], "No such file or directory"),
        (["http://127.0.0.1:9/prices", "prices", "--after", "x"], "'x' is not like 2 or 2:number"),
        (["http://127.0.0.1:9/prices"], "the following arguments are required: method"),
    ],
)
def test_mistakes(tmp_path: Path, arguments: list[str], text: str) -> None:
    ran = run("recorder", *arguments, folder=tmp_path)
    assert ran.returncode in {1, 2}
    assert text in ran.stderr
    assert "Traceback" not in ran.stderr


def test_its_help(tmp_path: Path) -> None:
    ran = run("recorder", "--help", folder=tmp_path)
    assert ran.returncode == 0
    assert "python -m examples.recorder http://127.0.0.1:8000/prices prices TEA" in ran.stdout
