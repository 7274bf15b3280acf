"""A part is kept alive: also when it hangs, when its log cannot be opened, and no longer."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tools.stack.parts import readiness, services
from tools.stack.supervision import hang_detection, keep_alive, logs
from tools.stack.supervision.keep_alive import PartFailed, SupervisedPart
from tools.stack.system import ports, processes

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")

SERVER = """
import http.server, sys
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(404)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Hello).serve_forever()
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same, in tenths of a second."""
    monkeypatch.setattr(hang_detection, "EVERY", 0.1)
    monkeypatch.setattr(hang_detection, "PATIENCE", 0.3)
    monkeypatch.setattr(keep_alive, "PAUSES", (0,))


def a_part(folder: Path, command: tuple[str, ...] | None = None) -> services.Part:
    port = ports.choose({"port": 0})["port"]
    return services.Part(
        name="part",
        serves="nothing",
        port=port,
        command=command or (sys.executable, "-c", SERVER, str(port)),
        environment=os.environ,
        folder=folder,
        answers=lambda port: asyncio.run(readiness.responds(port, 1)),
        stops=(services.Stop(processes.terminate, 1),),
    )


@contextlib.asynccontextmanager
async def kept(
    part: services.Part, log: Path, *, restart: bool
) -> AsyncIterator[SupervisedPart]:
    """The part, served and watched."""
    made = SupervisedPart(part, log, lambda: None, restart=restart)
    keeping = asyncio.create_task(made.keep())
    try:
        async with asyncio.timeout(20):
            await made.answering.wait()
        yield made
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await made.stop(asyncio.Event())


class Said:
    """What was said so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.text = ""

    def count(self, text: str) -> int:
        """Return how often that was said."""
        self.text += self._capsys.readouterr().out
        return self.text.count(text)


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110  # another process's doing
            await asyncio.sleep(0.02)


def pid_of(part: SupervisedPart) -> int:
    assert part.process is not None
    return part.process.pid


async def test_a_part_that_hangs_is_started_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first silence is said, the third in a row ends it."""
    said = Said(capsys)

    async with kept(a_part(tmp_path), tmp_path / "log", restart=True) as running:
        before = pid_of(running)
        os.kill(before, signal.SIGSTOP)
        await until(
            lambda: said.count(f"part (process {before}) did not answer within")
        )
        await until(lambda: said.count("part is back"))
        assert pid_of(running) != before

    assert (
        f"part (process {before}) did not answer any more and was ended." in said.text
    )
    assert said.count("did not answer within") == 1


async def test_a_part_that_answers_in_between_is_not_ended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two silences, an answer, two silences: no restart."""
    said = Said(capsys)

    async with kept(a_part(tmp_path), tmp_path / "log", restart=True) as running:
        before = pid_of(running)
        for times in (1, 2):
            os.kill(before, signal.SIGSTOP)
            await until(lambda: said.count("did not answer within") == times)  # noqa: B023
            os.kill(before, signal.SIGCONT)
            await until(lambda: said.count("part answers again") == times)  # noqa: B023
        assert pid_of(running) == before


@pytest.mark.parametrize("restart", [False, True])
async def test_a_part_under_a_debugger_is_left_alone(
    *, restart: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --no-restart, and by itself where one is attached."""
    part = a_part(tmp_path)
    if restart:  # debugpy is in the command of what it runs
        part = replace(part, command=(*part.command, "--with", "debugpy"))
    said = Said(capsys)

    async with kept(part, tmp_path / "log", restart=restart) as running:
        before = pid_of(running)
        os.kill(before, signal.SIGSTOP)
        await until(lambda: said.count("left alone"))
        os.kill(before, signal.SIGCONT)
        await until(lambda: said.count("part answers again"))
        assert pid_of(running) == before


async def test_a_part_that_cannot_be_started_once_more_is_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk, no descriptor, no process left: said, and over when its cause is."""
    log = tmp_path / "logs" / "log"
    log.parent.mkdir()
    said = Said(capsys)

    async with kept(a_part(tmp_path), log, restart=True) as running:
        log.unlink()
        log.parent.rmdir()
        os.kill(pid_of(running), signal.SIGKILL)
        await until(lambda: said.count("part cannot be started: [Errno 2]"))
        log.parent.mkdir()
        await until(lambda: said.count("part is back"))


async def test_a_part_that_cannot_be_started_at_all_is_reported(tmp_path: Path) -> None:
    """At the start there is nobody who waits for better times."""
    made = SupervisedPart(
        a_part(tmp_path, ("no-such-program",)),
        tmp_path / "log",
        lambda: None,
        restart=True,
    )
    with pytest.raises(PartFailed, match=r"part cannot be started: .*no-such-program"):
        await made.keep()


def test_a_log_is_cut_while_its_part_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it held is in the next older one; the part writes on to the same file."""
    monkeypatch.setattr(logs, "LARGEST", 100)
    log = tmp_path / "log"
    follower = logs.Follower(log)
    with log.open("ab") as part:
        for number in range(6):
            part.write(b"%d\n" % number * 40)
            part.flush()
            follower.new_lines()
            logs.cut(log)
        part.write(b"last\n")

    assert follower.new_lines() == ["last"]
    kept = {file.name: file.read_bytes().split()[0] for file in tmp_path.iterdir()}
    assert kept == {"log": b"last", "log.1": b"4", "log.2": b"2", "log.3": b"0"}
