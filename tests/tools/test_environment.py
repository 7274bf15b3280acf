"""What dev.py makes is made whole, and what stands in its way is one sentence."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import dev
from tools import find_python, terminal
from tools import venv as environment
from tools.stack.parts import azurite
from tools.stack.system import file_lock, ports
from tools.terminal import ROOT, CannotGoOn

POSIX = pytest.mark.skipif(os.name != "posix", reason="POSIX signals and users")
NOBODY = 65534
OTHERS_PYTHON = Path("/usr/bin/python3")
BESIDE_DEV_PY = ("dev.py", "requirements.txt", "requirements-dev.txt")


def test_what_was_not_installed_to_its_end_is_not_taken_for_finished(
    tmp_path: Path,
) -> None:
    """One that was stopped half-way is made anew, and one that fails has no stamp."""
    for name in environment.PINS:
        (tmp_path / name).write_text("")
    venv = tmp_path / environment.VENV.name
    environment.make(tmp_path)
    pip = environment.programs(venv) / ("pip.exe" if os.name == "nt" else "pip")

    pip.unlink()  # pip takes a package without its programs for whole
    (venv / environment.STAMP).unlink()
    environment.make(tmp_path)

    assert pip.exists()
    assert environment.is_current(venv, tmp_path)

    (tmp_path / environment.PINS[-1]).write_text("no/such/package\n")
    with pytest.raises(CannotGoOn, match="Installing what"):
        environment.make(tmp_path)

    assert not (venv / environment.STAMP).exists()


@pytest.mark.parametrize("spoil", ["folder", "bytes"])
def test_a_stamp_that_cannot_be_read_is_none(spoil: str, tmp_path: Path) -> None:
    """Of the environment and of Azurite."""
    python = environment.interpreter(tmp_path)
    script = azurite.blob_service(tmp_path)
    for file in (python, script):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    for name in (environment.STAMP, azurite.STAMP):
        if spoil == "folder":
            (tmp_path / name).mkdir()
        else:
            (tmp_path / name).write_bytes(b"\xff\xfe")

    assert not environment.is_current(tmp_path)
    assert not azurite.is_installed(tmp_path)


def test_a_check_whose_program_is_gone_fails_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are run all the same."""
    checks = {"gone": "no-such-program", "there": "python -cpass"}
    monkeypatch.setattr(dev, "CHECKS", checks)

    assert dev.run_checks() == 1

    shown = capsys.readouterr().out
    assert "no-such-program" in shown
    assert "Delete the folder .venv" in shown
    assert "Checks that failed: gone\n" in shown


@POSIX
def test_a_node_for_another_machine_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So is one that is no program at all."""
    node = tmp_path / "node"
    node.write_bytes(b"\x7fELF of another machine")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CannotGoOn, match=f"{node} cannot be started: .*Install Node"):
        azurite.node()


def test_a_missing_loopback_interface_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An address of the documentation is one that this machine does not have either."""
    monkeypatch.setattr(ports, "LOOPBACK", "192.0.2.1")

    with pytest.raises(CannotGoOn, match=r"no port of 192\.0\.2\.1.*loopback"):
        ports.choose({"--http-port": 0})


def test_a_home_that_nobody_has_is_no_hindrance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A container's user may have neither HOME nor an entry among the users."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54_321, raising=False)

    assert [sys.executable] in list(find_python._candidates())


def test_a_lock_that_cannot_be_had_is_not_waited_for(tmp_path: Path) -> None:
    """A folder in its place is nobody who will let it go."""
    (tmp_path / "lock").mkdir()

    with pytest.raises(OSError, match="lock"):
        file_lock.take(tmp_path / "lock")


def test_a_terminal_without_umlauts_is_spoken_to() -> None:
    """And a stdout that was closed is no reason to stop."""
    speak = "from tools.terminal import say; say('caf\\xe9')"
    told = subprocess.run(
        [sys.executable, "-c", speak],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert told.stdout.split() == [b"caf\\xe9"]
    closed = f"import sys; sys.stdout = None; {speak}"
    subprocess.run([sys.executable, "-c", closed], cwd=ROOT, check=True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_with_room_again_is_written_to_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said to a file on a full disk is lost; what is said later is not."""
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        terminal.say("lost")
        os.dup2(os.open(tmp_path / "room", os.O_CREAT | os.O_WRONLY), full.fileno())
        terminal.say("found")

    assert (tmp_path / "room").read_text().endswith("found\n")


@pytest.fixture
def project() -> Iterator[Path]:
    """A copy of what dev.py needs, in a folder that every user may look into."""
    folder = Path(tempfile.mkdtemp())
    shutil.copytree(ROOT / "tools", folder / "tools")
    for name in BESIDE_DEV_PY:
        shutil.copy(ROOT / name, folder)
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0 or not OTHERS_PYTHON.exists(),
    reason="needs root, who can be another user, and a Python of the system's",
)
@pytest.mark.parametrize("case", ["pyenv", "venv", "lock"])
def test_files_of_another_user_are_one_sentence(case: str, project: Path) -> None:
    """After a first run with sudo, and in a container that runs as somebody else."""
    private = project / "private"
    private.mkdir(mode=0o700)
    asked = {"PATH": "/nowhere", "HOME": str(project)}
    ask = "from tools import find_python; print(len(list(find_python._candidates())))"
    match case:
        case "pyenv":
            asked["PYENV_ROOT"] = str(private)
        case "venv":
            (project / ".venv/bin").mkdir(parents=True)
            (project / ".venv/bin/python").symlink_to(private / "python")
            ask = "from tools import venv; print(venv.is_current())"
        case "lock":
            (project / ".local").mkdir()
            (project / ".local/environment.lock").touch(mode=0o600)
            ask = "import dev; print(dev.main(['doctor']))"

    done = subprocess.run(
        [OTHERS_PYTHON, "-c", ask],
        cwd=project,
        env=asked,
        user=NOBODY,
        capture_output=True,
        text=True,
        check=False,
    )

    expected = {"pyenv": "1", "venv": "False"}
    if case in expected:
        assert done.stdout.strip() == expected[case]
    else:
        assert "Permission denied" in done.stdout
        assert len(done.stdout.splitlines()) == 2
    assert done.stderr == ""


def wait_for_its_first_line(process: subprocess.Popen[str]) -> None:
    """Return when dev.py itself runs, and no longer the start of its Python."""
    assert process.stdout is not None
    while not process.stdout.readline().endswith("| site\n"):
        pass
    status = Path(f"/proc/{process.pid}/status")
    interrupt = 1 << signal.SIGINT - 1
    caught = re.compile(r"SigCgt:\s(\w+)")
    while int(caught.search(status.read_text())[1], 16) & interrupt:  # type: ignore[index]
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("command", ["run", "doctor", "status"])
def test_an_early_ctrl_c_is_no_traceback(command: str, tmp_path: Path) -> None:
    """Whenever it is pressed: while dev.py is imported, or what it becomes."""
    options = ["--http-port=0", "--emulator-port=0", "--storage-port=0"]
    more = [*options, f"--data={tmp_path}", "--host=stand-in"] * (command == "run")
    for after in (0, 0.05, 0.1, 0.2, 0.35, 0.6):
        with subprocess.Popen(
            # Also where this suite runs in the background of a shell, which ignores it.
            [
                *("env", "--default-signal=INT"),
                *(sys.executable, str(ROOT / "dev.py"), command, *more),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPROFILEIMPORTTIME": "1"},
            text=True,
        ) as process:
            wait_for_its_first_line(process)
            time.sleep(after)  # noqa: TID251  # each of these moments is one to press it
            process.send_signal(signal.SIGINT)
            try:
                told = process.communicate(timeout=60)[0]
            finally:
                process.kill()
        assert "Traceback" not in told, (after, told)
        assert "KeyboardInterrupt" not in told, (after, told)


def test_a_port_that_nobody_holds_any_more_has_no_holder() -> None:
    """Who listened may have ended between two looks."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert ports.is_taken(port)
    assert ports._named([2**22 + 1]) == "another program"
