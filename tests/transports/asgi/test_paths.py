from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubstream.transports.asgi.paths import find, normal

PATHS = frozenset({"/clock", "/hub", "/api/clock", "/a b", "/negotiate"})


@pytest.mark.parametrize(
    ("path", "root", "expected"),
    [
        # as servers give it
        ("/clock", "", "/clock"),
        ("/clock/", "", "/clock"),
        ("//clock", "", "/clock"),
        ("/clock//negotiate", "", "/clock negotiate"),
        ("/clock/negotiate", "", "/clock negotiate"),
        ("/clock/negotiate/", "", "/clock negotiate"),
        ("/a b", "", "/a b"),
        ("/negotiate", "", "/negotiate"),
        ("/negotiate/negotiate", "", "/negotiate negotiate"),
        # the whole path beside the root path
        ("/hubs/clock", "/hubs", "/clock"),
        ("/hubs/clock", "/hubs/", "/clock"),
        ("/hubs//clock/", "/hubs", "/clock"),
        ("/hubs/clock/negotiate", "/hubs", "/clock negotiate"),
        # a path stripped already
        ("/clock", "/hubs", "/clock"),
        ("/clock/negotiate", "/hubs", "/clock negotiate"),
        # a root path that is no prefix: a proxy stripped /v1, then a mount added /hubs
        ("/hubs/clock", "/v1/hubs", "/clock"),
        # a mount inside a mount, whole, half and fully stripped
        ("/outer/inner/clock", "/outer/inner", "/clock"),
        ("/inner/clock", "/outer/inner", "/clock"),
        ("/clock", "/outer/inner", "/clock"),
        ("/outer/inner/clock/negotiate", "/v1/outer/inner", "/clock negotiate"),
        # the same letters by chance
        ("/hubs/clock", "/hub", None),
        ("/hub", "/hub", "/hub"),
        ("/hub/hub", "/hub", "/hub"),
        ("/clock", "/cl", "/clock"),
        ("/clock", "/clock", "/clock"),
        ("/clock/negotiate", "/clock", "/clock negotiate"),
        # the longest that fits
        ("/api/clock", "/api", "/api/clock"),
        ("/v1/api/clock", "/v1", "/api/clock"),
        # nothing there
        ("/", "", None),
        ("", "", None),
        ("/clockwork", "", None),
        ("/clock/other", "", None),
        ("/clock/negotiate/more", "", None),
        ("/Clock", "", None),
        ("/elsewhere/clock", "", None),
        ("/elsewhere/clock", "/hubs", None),
    ],
)
def test_find(path: str, root: str, expected: str | None) -> None:
    found = find({"path": path, "root_path": root}, PATHS)
    assert (None if found is None else f"{found[0]} {found[1][1:]}".rstrip()) == expected


def test_the_root_itself_is_an_endpoint() -> None:
    for path, rest in (("/", ""), ("", ""), ("/negotiate", "/negotiate")):
        assert find({"path": path}, {""}) == ("", rest)
    for path, rest in (("/hubs", ""), ("/hubs/", ""), ("/hubs/negotiate", "/negotiate")):
        assert find({"path": path, "root_path": "/hubs"}, {""}) == ("", rest)


segments = st.lists(st.sampled_from(["a", "b", "hubs", "clock", "negotiate"]), max_size=4)


@given(segments, segments, segments)
def test_a_mount_is_found_however_it_is_presented(stripped: list[str], mounts: list[str], rest: list[str]) -> None:
    endpoint = "/clock/" + "/".join([*rest, "end"])
    root = "".join(f"/{name}" for name in [*stripped, *mounts])
    shown: dict[str, Any] = {"path": "".join(f"/{name}" for name in mounts) + endpoint, "root_path": root}
    assert find(shown, {endpoint}) == (endpoint, "")
    shown["path"] += "/negotiate"
    assert find(shown, {endpoint}) == (endpoint, "/negotiate")


@pytest.mark.parametrize(
    ("path", "expected"), [("clock", "/clock"), ("/clock/", "/clock"), ("//a///b//", "/a/b"), ("/", ""), ("", "")]
)
def test_normal(path: str, expected: str) -> None:
    assert normal(path) == expected
