"""How each part of the local stack is started and stopped."""

import sys
from pathlib import Path

import pytest

from tools.stack.data_folder import DataFolder
from tools.stack.options import read
from tools.stack.parts import extension_bundle, readiness, services
from tools.stack.system import processes
from tools.terminal import ROOT, CannotGoOn


@pytest.fixture
def func(tmp_path: Path) -> Path:
    """A program named func."""
    path = tmp_path / "func"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_func_named_in_the_environment_is_used(
    func: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FUNC_PATH comes before PATH."""
    monkeypatch.setenv("FUNC_PATH", str(func))

    host = services.host(read([]), 7071, {})

    assert host.command == (str(func), "start", "--port", "7071")
    assert [stop.ask for stop in host.stops] == [processes.interrupt] * 2


def test_the_environment_of_func_does_not_say_that_it_is_azure(
    func: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    With these variables the host waits to be specialised and never starts the app.
    """
    monkeypatch.setenv("FUNC_PATH", str(func))
    monkeypatch.setenv("CONTAINER_NAME", "build-agent")
    monkeypatch.setenv("WEBSITE_INSTANCE_ID", "1")

    host = services.host(read([]), 7071, {"EVENTGRID_ENDPOINT": "http://127.0.0.1:1"})

    assert not {"CONTAINER_NAME", "WEBSITE_INSTANCE_ID"} & set(host.environment)
    assert host.environment["EVENTGRID_ENDPOINT"] == "http://127.0.0.1:1"
    assert host.environment["VIRTUAL_ENV"] == sys.prefix
    assert host.environment[extension_bundle.DOWNLOAD_PATH] == str(
        extension_bundle.FOLDER
    )


def test_the_stand_in_is_used_where_func_is_not_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No tool outside the package registries is needed."""
    monkeypatch.delenv("FUNC_PATH", raising=False)
    monkeypatch.setenv("PATH", "")

    assert "functions_host" in services.host(read([]), 7071, {}).command
    with pytest.raises(CannotGoOn, match="--host stand-in"):
        services.host(read(["--host", "func"]), 7071, {})


def test_either_host_is_told_to_ask_for_keys(
    func: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The stand-in gets the keys of the data folder; those of func are in its storage.
    """
    monkeypatch.setenv("FUNC_PATH", str(func))
    asked = ["--enable-auth", "--data", str(tmp_path)]

    real = services.host(read(asked), 7071, {})
    standing_in = services.host(read([*asked, "--host", "stand-in"]), 7071, {})

    assert real.command[-1] == "--enableAuth"
    assert real.answers is readiness.page_answers
    assert standing_in.command[-3:] == (
        "--enable-auth",
        "--secrets",
        str(tmp_path / "host-keys.json"),
    )
    assert (tmp_path / "host-keys.json").exists()


def test_a_page_is_shown_only_for_an_app_that_has_one() -> None:
    """An address that answers 404 is none to look at."""
    for app, has_page in ((ROOT, True), (ROOT / "examples" / "orders", False)):
        asked = read(["--host", "stand-in", "--app", str(app)])
        assert services.host(asked, 7071, {}).has_page is has_page


def test_a_func_path_that_names_nothing_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong path is not silently replaced by another host."""
    monkeypatch.setenv("FUNC_PATH", str(tmp_path / "no-func"))

    with pytest.raises(CannotGoOn, match="FUNC_PATH names"):
        services.find_func()


@pytest.mark.skipif(sys.platform == "win32", reason="npm makes no links there")
def test_the_func_behind_the_one_npm_installed_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """npm's script would die of the SIGINT that the host should get."""
    package = tmp_path / "node_modules" / "azure-functions-core-tools"
    for file in ("lib/main.js", "bin/func"):
        (package / file).parent.mkdir(parents=True)
        (package / file).touch(0o755)
    link = tmp_path / "func"
    link.symlink_to(package / "lib" / "main.js")
    monkeypatch.setenv("FUNC_PATH", str(link))

    assert services.find_func() == str(package / "bin" / "func")


def test_azurite_keeps_what_it_is_given(tmp_path: Path) -> None:
    """A restart still shows the audit log."""
    with DataFolder(tmp_path) as data:
        storage = services.storage(10000, data)

    assert "--inMemoryPersistence" not in storage.command
    assert str(tmp_path / "azurite") in storage.command
    assert "--skipApiVersionCheck" in storage.command
