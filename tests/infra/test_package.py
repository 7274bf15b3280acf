"""The deployment package: what is in it, and that it is enough where the app runs."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from contextlib import nullcontext
from fnmatch import fnmatchcase
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pathspec import GitIgnoreSpec

from moderation.interpreter import WANTED
from tools import find_python, package, wheels
from tools.terminal import ROOT, CannotGoOn
from tools.venv import interpreter

EXAMPLE = json.loads((ROOT / "local.settings.json.example").read_text("utf-8"))
HASHED, CHECKED = 0b01, 0b10
PACKAGES = f"{wheels.FOLDER}/{wheels.INSIDE}"
AS_IN_AZURE = sys.platform == "linux" and platform.machine() == "x86_64"
INDEX = """
import json, sys
import function_app
names = [function.get_function_name() for function in function_app.app.get_functions()]
print(json.dumps({"functions": names, "path": sys.path}))
"""


def a_project(folder: Path) -> Path:
    """A copy of what is deployed of this project, and of what it is made from."""
    for name in (*package.contents(ROOT), package.IGNORE, wheels.HASHED):
        if "__pycache__" not in name and not name.startswith(wheels.FOLDER):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip that would be deployed from a copy of this project, without packages."""
    project = a_project(tmp_path_factory.mktemp("project"))
    to = tmp_path_factory.mktemp("package") / "package.zip"
    package.compile_app(project)
    package.pack(project, package.contents(project), to)
    return to


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole package as the app finds it, with the times that unpacking gave it."""
    to = tmp_path_factory.mktemp("package") / "new" / "package.zip"
    with pytest.MonkeyPatch.context() as patch:
        project = a_project(tmp_path_factory.mktemp("project"))
        patch.setattr(package, "ROOT", project)
        assert package.main(["--to", str(to)]) == 0
    folder = tmp_path_factory.mktemp("wwwroot")
    with zipfile.ZipFile(to) as archive:
        archive.extractall(folder)
    return folder


def test_only_what_runs_is_deployed(packed: Path) -> None:
    """No test, no stand-in, no secret and no other program leaves this machine."""
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()

    inside = tuple(f"{name}/" for name in package.APP)
    outside = {name for name in names if not name.startswith(inside)}
    assert outside == {"function_app.py", "host.json", "requirements.txt"}
    kinds = {Path(name).suffix for name in names}
    assert kinds <= {".py", ".pyc", ".json", ".txt", ".html", ".css", ".js", ".svg"}


def test_everything_of_the_app_is_deployed(packed: Path) -> None:
    """A pattern of .funcignore that is too wide would lose a module."""
    with zipfile.ZipFile(packed) as archive:
        names = set(archive.namelist())

    listed = ["git", "ls-files", "--", *package.APP]
    tracked = subprocess.run(
        listed, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    library = {".md", ".toml", ".typed", ""}  # what its own wheel is made from
    there = [
        name
        for name in tracked
        if (ROOT / name).exists() and Path(name).suffix not in library
    ]
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
@pytest.mark.skipif(not AS_IN_AZURE, reason="the packages are for Linux on x86-64")
def test_the_package_is_enough(unpacked: Path, tmp_path: Path) -> None:
    """
    With nothing installed than what came along, the app imports and shows its triggers.
    """
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(tmp_path)], check=True
    )
    settings = EXAMPLE["Values"] | {"PULL_FLAGGED_LANES": "2"}
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(unpacked / PACKAGES)}

    done = subprocess.run(
        [str(interpreter(tmp_path)), "-B", "-W", "error", "-c", INDEX],
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
def test_the_packages_are_all_there_and_for_the_python_of_azure(unpacked: Path) -> None:
    """
    Whatever a package requires is packed, and each file that is built is for Linux.
    """
    there = list(distributions(path=[str(unpacked / PACKAGES)]))
    versions = {
        canonicalize_name(distribution.name): distribution.version
        for distribution in there
    }
    for distribution in there:
        for needed in requirements(distribution):
            version = versions.get(canonicalize_name(needed.name))
            assert version in needed.specifier if version else False, (
                distribution.name,
                needed,
            )
    built = [path.name for path in (unpacked / PACKAGES).rglob("*.so")]
    assert built
    right = re.compile(r".*\.(cpython-313-x86_64-linux-gnu|abi3)\.so")
    assert [name for name in built if not right.fullmatch(name)] == []


def requirements(distribution: Distribution) -> list[Requirement]:
    """What a package requires on the Python of Azure, without extras."""
    azure = {
        "python_version": find_python.WANTED,
        "python_full_version": f"{find_python.WANTED}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
    every = [Requirement(text) for text in distribution.requires or []]
    return [
        requirement
        for requirement in every
        if requirement.marker is None or requirement.marker.evaluate(azure)
    ]


@pytest.mark.e2e
def test_nothing_of_a_package_is_kept_out(unpacked: Path) -> None:
    """Certificates of authorities end like keys, and are what TLS is checked with."""
    for distribution in distributions(path=[str(unpacked / PACKAGES)]):
        for file in distribution.files or []:
            if file.parts[0] != ".." and "__pycache__" not in file.parts:
                assert (unpacked / PACKAGES / file).exists(), file
    assert (unpacked / PACKAGES / "certifi" / "cacert.pem").stat().st_size > 100_000


@pytest.mark.e2e
def test_packages_come_with_bytecode_too(unpacked: Path) -> None:
    """Most of a cold start would be compiling packages."""
    cached = list((unpacked / PACKAGES / "azure").rglob("__pycache__/*.pyc"))

    assert len(cached) > 100
    assert {int.from_bytes(file.read_bytes()[4:8], "little") for file in cached} == {
        HASHED | CHECKED
    }


def test_code_that_does_not_compile_is_not_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A package is made whole or not at all, and bytecode of modules that are gone goes.
    """
    project, to = a_project(tmp_path / "project"), tmp_path / "new" / "package.zip"
    (project / "moderation" / "__pycache__").mkdir()
    orphan = project / "moderation" / "__pycache__" / "gone.cpython-313.pyc"
    orphan.touch()
    (project / "moderation" / "half.py").write_text("def broken(:")
    monkeypatch.setattr(package, "ROOT", project)

    assert package.main(["--to", str(to)]) == 1
    assert "does not compile" in capsys.readouterr().out
    assert not to.exists()
    assert not orphan.exists()


def test_packing_needs_no_package_of_a_developer() -> None:
    """
    The hook of a deployment runs on any Python, without .venv: the standard library does.
    """
    asked = [sys.executable, "-S", str(ROOT / "dev.py"), "package", "--help"]

    done = subprocess.run(asked, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "no build in Azure" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("pins", "hashed", "said"),
    [
        ("a==1\n", "a==1 --hash=sha256:00\n", ""),
        ("A_b==1  # why\n\n# note\n", "a-b==1 --hash=sha256:00\n", ""),
        ("a==2\n", "a==1 --hash=sha256:00\n", "differ (a)"),
        ("a==1\nb==1\n", "a==1 --hash=sha256:00\n", "differ (b)"),
        ("a==1\n", "a==1 --hash=sha256:00\nb==1\n", "differ (b)"),
        ("a>=1\n", "a==1 --hash=sha256:00\n", "'a>=1'"),
        ('a==1; python_version >= "3.13"\n', "a==1\n", "'a==1; python_version"),
        ("-r other.txt\n", "a==1\n", "'-r other.txt'"),
    ],
)
def test_hashes_are_those_of_the_pins(
    tmp_path: Path, pins: str, hashed: str, said: str
) -> None:
    """A pin that moved without its hash is found before anything is collected."""
    (tmp_path / wheels.PINS).write_text(pins)
    (tmp_path / wheels.HASHED).write_text(hashed)

    with pytest.raises(CannotGoOn, match=re.escape(said)) if said else nullcontext():
        wheels.compare(tmp_path)


def test_the_lists_of_packages_are_of_one_mind_and_name_no_index() -> None:
    """
    Where packages come from is the machine's own setting (`pip config`), not the project's.
    """
    wheels.compare(ROOT)
    hashed = (ROOT / wheels.HASHED).read_text("utf-8")

    assert "://" not in hashed + (ROOT / wheels.PINS).read_text("utf-8")
    assert hashed.count("--hash=sha256:") == len(wheels.pins(ROOT / wheels.HASHED))


def test_there_is_one_python() -> None:
    """
    What packs, what runs, what is tested and what is developed with are one version.
    """
    stated = (ROOT / ".python-version").read_text("utf-8").strip()

    assert stated == find_python.WANTED == ".".join(map(str, WANTED))


@pytest.mark.e2e
def test_the_rule_of_funcignore_is_git_s(unpacked: Path) -> None:
    """
    azd and func read the file, too: what they leave out and what is packed here agree.
    """
    lines = [*(ROOT / package.IGNORE).read_text("utf-8").splitlines()]
    git = GitIgnoreSpec.from_lines([*lines, *package.ALWAYS_OUT])
    listed = ["git", "ls-files", "--cached", "--others"]
    here = subprocess.run(
        [*listed, "--exclude", "/.venv/", "--exclude", "/.local/"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    built = [p.relative_to(unpacked) for p in unpacked.rglob("*") if p.is_file()]
    names = {*here, *(path.as_posix() for path in built)}

    ours = {name for name in package.contents(ROOT) if name in names}
    assert ours == {n for n in here if not git.match_file(n) and (ROOT / n).exists()}
    assert [path for path in built if git.match_file(path.as_posix())] == []


def azd_keeps_out(patterns: list[str], name: str, *, is_folder: bool) -> bool:
    """As azd's library has it (denormal/go-gitignore, `pattern.go`, `gitignore.go`)."""
    for pattern in reversed(patterns):
        body = pattern.removeprefix("!")
        anchored, folders = body.startswith("/"), body.endswith("/")
        body = body.strip("/")
        if folders and not is_folder:
            continue
        if "**" in body:
            assert body.endswith("/**")
            fits = f"{name}/".startswith(body[:-2])
        elif "/" in body:
            fits = [*map(fnmatchcase, name.split("/"), body.split("/"))] == [True] * (
                body.count("/") + 1
            ) and name.count("/") == body.count("/")
        else:
            fits = fnmatchcase(name if anchored else name.rpartition("/")[2], body)
        if fits:
            return not pattern.startswith("!")
    return False


def func_keeps_out(patterns: list[str], name: str) -> bool:
    """As the Core Tools have it (`GitIgnoreParser.cs`): what is taken back always wins."""

    def regex(pattern: str) -> str:
        escaped = re.sub(r"[-\[\]/{}()+?.\\^$|]", r"\\\g<0>", pattern)
        return escaped.replace("**", "(.+)").replace("*", "([^/]+)")

    def matches(chosen: list[str]) -> bool:
        whole = [f"^({regex(pattern)})\\b" for pattern in chosen]
        return any(re.search(pattern, name, re.ASCII) for pattern in whole)

    bodies = [
        (p.startswith("!"), p.removeprefix("!").removeprefix("/")) for p in patterns
    ]
    denied, taken_back = (
        [body for back, body in bodies if back is wanted] for wanted in (False, True)
    )
    return matches(denied) and not matches(taken_back)


@pytest.mark.e2e
def test_azd_and_func_send_the_same(unpacked: Path) -> None:
    """
    Each reads .funcignore with a rule of its own, and to azd `/*` goes down into folders.
    """
    lines = (ROOT / package.IGNORE).read_text("utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]

    for path in unpacked.rglob("*"):
        name = path.relative_to(unpacked).as_posix()
        assert not azd_keeps_out(patterns, name, is_folder=path.is_dir()), name
        assert path.is_dir() or not func_keeps_out(patterns, name), name
    for path in ROOT.iterdir():
        if path.name not in {entry.name for entry in unpacked.iterdir()}:
            assert azd_keeps_out(patterns, path.name, is_folder=path.is_dir()), path
            inner = f"{path.name}/a.py" if path.is_dir() else path.name
            assert func_keeps_out(patterns, inner), path


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
        "moderation/x/a.pem",
        "app_env/pyvenv.cfg",
        "dev.py",
        ".git",
        "new/module.py",
        "requirements-azure.txt",
    ],
)
def test_secrets_and_leftovers_stay_out(tmp_path: Path, name: str) -> None:
    """What a laptop has beside the code never becomes part of it."""
    shutil.copyfile(ROOT / package.IGNORE, tmp_path / package.IGNORE)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    (tmp_path / "function_app.py").touch()

    assert [n for n in package.contents(tmp_path) if n.endswith(Path(name).name)] == []
    assert "function_app.py" in set(package.contents(tmp_path))
