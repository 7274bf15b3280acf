"""The section `Host` of local.settings.json is read as `func start` reads it."""

import json
from pathlib import Path
from typing import Any

import pytest

from functions_host import local_http
from functions_host.settings import BadSettings


def read(folder: Path, section: Any) -> local_http.LocalHttp:
    """Return what a file with that section says."""
    document = {"IsEncrypted": False, "Values": {}, "Host": section}
    (folder / "local.settings.json").write_text(json.dumps(document))
    return local_http.read(folder)


@pytest.mark.parametrize(
    ("section", "port"),
    [
        ({}, 7071),
        ({"LocalHttpPort": 7075}, 7075),
        ({"LocalHttpPort": "7075"}, 7075),
        ({"localhttpport": 7075}, 7075),
        ({"LocalHttpPort": 0}, 7071),
        ({"LocalHttpPort": None}, 7071),
        ({"Other": 1}, 7071),
    ],
)
def test_the_port_is_read(tmp_path: Path, section: Any, port: int) -> None:
    """Without one it is the usual one."""
    assert read(tmp_path, section).port == port


def test_without_the_file_all_is_as_usual(tmp_path: Path) -> None:
    """The usual port, and no page from elsewhere."""
    assert local_http.read(tmp_path) == local_http.LocalHttp(7071, None)


@pytest.mark.parametrize(
    ("cors", "origins"),
    [
        ("", None),
        (",", None),
        ("*", {"*"}),
        ("http://localhost:3000", {"http://localhost:3000"}),
        ("HTTP://LocalHost:3000/", {"http://localhost:3000"}),
        ("http://a:80, https://b:443/x ,", {"http://a", "https://b"}),
        ("http://[::1]:3000", {"http://[::1]:3000"}),
        ("null", {"null"}),
    ],
)
def test_origins_are_as_browsers_send_them(
    tmp_path: Path, cors: str, origins: set[str] | None
) -> None:
    """However they were written; none at all is no policy."""
    policy = read(tmp_path, {"CORS": cors}).policy

    assert (set(policy.origins) if policy else None) == origins


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ([], "Host"),
        ({"LocalHttpPort": "x"}, "LocalHttpPort"),
        ({"LocalHttpPort": -1}, "LocalHttpPort"),
        ({"LocalHttpPort": 65536}, "LocalHttpPort"),
        ({"LocalHttpPort": "\uff17\uff10"}, "LocalHttpPort"),
        ({"LocalHttpPort": [1]}, "LocalHttpPort"),
        ({"CORS": ["http://a"]}, "CORS"),
        ({"CORS": "http://a", "CORSCredentials": "maybe"}, "CORSCredentials"),
        ({"CORS": "*", "CORSCredentials": True}, "CORSCredentials"),
    ],
)
def test_what_cannot_be_obeyed_is_named(
    tmp_path: Path, section: Any, named: str
) -> None:
    """With the file it stands in."""
    with pytest.raises(BadSettings, match=named):
        read(tmp_path, section)
