"""The local stack on a disk that is full: said once, borne, and over when there is room."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stacks import Stack, launch, until, wait_until_it_serves

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0,
        reason="only root can make a small disk",
    ),
]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave not a byte."""
    filling = disk / "filling"
    with filling.open("ab", buffering=0) as file:
        for size in (65_536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filling


def publish(stack: Stack) -> list[str]:
    answer = stack.call("POST", "/api/events/samples", b"{}")
    assert answer.status == 202, answer.body
    return [event["id"] for event in answer.json()["events"]]


def test_a_full_disk_is_borne_until_there_is_room(tmp_path: Path, disk: Path) -> None:
    """Parts that die of it are started again and again, and nothing accepted is lost."""
    stack = launch(tmp_path / "stack", f"--data={disk / 'data'}")
    stack.data = disk / "data"
    try:
        wait_until_it_serves(stack)
        published = publish(stack)
        before = stack.pids()
        filling = fill(disk)
        for part in ("emulator", "Azurite"):
            stack.kill(part)
        until(
            "the emulator to have died", lambda: "emulator (process" in stack.output()
        )
        until("a second try", lambda: "again in 2 s" in stack.output())
        assert stack.supervisor.poll() is None
        assert stack.output().count("run.json cannot be written") <= 1

        filling.unlink()
        for part in ("emulator", "Azurite"):
            stack.wait_until_back(part, before[part])
        published += publish(stack)
        assert stack.call("POST", "/api/pull", b"{}").status == 200
        answer = stack.call("GET", "/api/audit?subscription=sub-all-events&limit=100")
        ids = [entry["id"] for entry in json.loads(answer.body)["entries"]]
        assert sorted(ids) == sorted(published)
        assert "Traceback" not in stack.output()
    finally:
        stack.stop()


def test_a_start_on_a_full_disk_is_one_sentence(tmp_path: Path, disk: Path) -> None:
    """It says what is full, and ends."""
    fill(disk)
    stack = launch(tmp_path / "stack", f"--data={disk / 'data'}")

    assert stack.supervisor.wait(120) == 1
    [sentence] = stack.output().splitlines()[-1:]
    assert sentence.startswith("Cannot run the local stack: ")
    assert "cannot be written: No space left on device. Make room" in sentence
    assert "Traceback" not in stack.output()
