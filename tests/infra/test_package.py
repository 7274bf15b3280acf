"""The deployment package: what is in it, and that it is enough."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from local import package
from local.environment import interpreter
from local.terminal import ROOT

EXAMPLE = json.loads((ROOT / "local.settings.json.example").read_text("utf-8"))
OLDEST = "3.12"
HASHED, CHECKED = 0b01, 0b10
INDEX = """
import json, sys
import function_app
names = [function.get_function_name() for function in function_app.app.get_functions()]
print(json.dumps({"functions": names, "path": sys.path}))
"""


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip that would be deployed from a copy of this project."""
    project = tmp_path_factory.mktemp("project")
    for name in package.contents(ROOT):
        if "__pycache__" not in name:
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, project / name)
    shutil.copyfile(ROOT / package.IGNORE, project / package.IGNORE)
    to = tmp_path_factory.mktemp("package") / "package.zip"
    package.compile_app(project)
    package.pack(project, package.contents(project), to)
    return to


@pytest.fixture(scope="session")
def unpacked(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as the app finds it, with the times that unpacking gave it."""
    folder = tmp_path_factory.mktemp("wwwroot")
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with nothing installed but requirements.txt."""
    venv = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    python = interpreter(venv)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-input"]
    wanted = ["--only-binary=:all:", "-r", str(ROOT / "requirements.txt")]
    subprocess.run([*pip, "--disable-pip-version-check", *wanted], check=True)
    return python


def test_only_what_runs_is_deployed(packed: Path) -> None:
    """
    No test, no stand-in, no secret and no other program leaves this machine.
    """
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()

    outside = {name for name in names if not name.startswith("moderation/")}
    assert outside == {"function_app.py", "host.json", "requirements.txt"}
    kinds = {Path(name).suffix for name in names}
    assert kinds <= {".py", ".pyc", ".json", ".txt", ".html", ".css", ".js", ".svg"}


def test_everything_of_the_app_is_deployed(packed: Path) -> None:
    """
    A pattern of .funcignore that is too wide would lose a module.
    """
    with zipfile.ZipFile(packed) as archive:
        names = set(archive.namelist())

    listed = ["git", "ls-files", "--", package.APP]
    tracked = subprocess.run(
        listed, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    there = [name for name in tracked if (ROOT / name).exists()]
    assert [name for name in there if name not in names] == []


def test_every_module_comes_with_bytecode_that_outlives_unpacking(packed: Path) -> None:
    """
    A cold start does not compile: bytecode is valid by its source's hash, not its time.
    """
    with zipfile.ZipFile(packed) as archive:
        names = set(archive.namelist())
        modules = [n for n in names if n.endswith(".py") and "/" in n]
        for name in modules:
            folder, _, module = name.rpartition("/")
            cached = f"{folder}/__pycache__/{module[:-3]}.cpython-313.pyc"
            flags = int.from_bytes(archive.read(cached)[4:8], "little")
            assert flags == HASHED | CHECKED, cached

    assert len(modules) > 20


@pytest.mark.e2e
def test_the_package_is_enough(unpacked: Path, bare: Path) -> None:
    """
    With nothing installed than requirements.txt, the app imports and shows its triggers.
    """
    settings = EXAMPLE["Values"] | {"PULL_FLAGGED_LANES": "2"}
    environ = {
        name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ
    }

    done = subprocess.run(
        [str(bare), "-B", "-W", "error", "-c", INDEX],
        cwd=unpacked,
        env=environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert {"publish", "pull_flagged", "pull_flagged_2", "web"} <= set(
        shown["functions"]
    )
    assert not any(path and Path(path) == ROOT for path in shown["path"])


@pytest.mark.e2e
def test_the_requirements_install_on_the_oldest_python_too(tmp_path: Path) -> None:
    """
    A remote build may run an older Python than the app.
    """
    target = {"python_version": OLDEST, "python_full_version": f"{OLDEST}.0"}
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    stated = [
        Requirement(text) for line in lines if (text := line.partition("#")[0].strip())
    ]
    chosen = [
        f"{one.name}{one.specifier}"
        for one in stated
        if one.marker is None or one.marker.evaluate(target)
    ]
    (tmp_path / "requirements.txt").write_text("\n".join(chosen))

    asked = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--no-input",
        "--quiet",
    ]
    asked += ["--python-version", OLDEST, "--only-binary=:all:", "--ignore-installed"]
    asked += [
        "--target",
        str(tmp_path / "target"),
        "-r",
        str(tmp_path / "requirements.txt"),
    ]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    names = [line.partition("==")[0].lower() for line in chosen]
    assert len(set(names)) == len(names)


def test_the_command_packs_or_says_why_not(
    unpacked: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """
    A package is made whole or not at all: not of code that does not compile.
    """
    project, to = tmp_path / "project", tmp_path / "new" / "package.zip"
    shutil.copytree(unpacked, project)
    shutil.copyfile(ROOT / package.IGNORE, project / package.IGNORE)
    orphan = project / "moderation" / "__pycache__" / "gone.cpython-313.pyc"
    orphan.touch()
    monkeypatch.setattr(package, "ROOT", project)

    assert package.main(["--to", str(to)]) == 0
    assert f"KiB: {to}" in capsys.readouterr().out
    assert not orphan.exists()

    (project / "moderation" / "half.py").write_text("def broken(:")
    to.unlink()
    assert package.main(["--to", str(to)]) == 1
    assert "does not compile" in capsys.readouterr().out
    assert not to.exists()


def test_what_is_new_in_the_folder_is_decided_about() -> None:
    """
    A file that someone adds to the project is either the app's or kept out.
    """
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    known = subprocess.run(
        listed, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    deployed = {name.split("/")[0] for name in package.contents(ROOT)}

    assert deployed & {name.split("/")[0] for name in known} == {
        "function_app.py",
        "host.json",
        "moderation",
        "requirements.txt",
    }


@pytest.mark.parametrize(
    "name",
    [
        "local.settings.json",
        ".env",
        ".azure/dev/.env",
        "moderation/.env",
        "a/key.pem",
        "moderation/__pycache__/x.cpython-312.pyc",
        "moderation/x/.DS_Store",
    ],
)
def test_secrets_and_leftovers_stay_out(tmp_path: Path, name: str) -> None:
    """
    What a laptop has beside the code never becomes part of it.
    """
    shutil.copyfile(ROOT / package.IGNORE, tmp_path / package.IGNORE)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    (tmp_path / "function_app.py").touch()

    assert [n for n in package.contents(tmp_path) if n.endswith(Path(name).name)] == []
    assert "function_app.py" in set(package.contents(tmp_path))
