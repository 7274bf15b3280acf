"""The three parts of the local stack: how each is started, asked and stopped."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from moderation.settings import spelled
from tools.stack.data_folder import DataFolder
from tools.stack.options import NO_HOST, Options
from tools.stack.parts import azurite, extension_bundle, own_host, readiness
from tools.stack.settings import declared_topology, local_keys, settings_file
from tools.stack.system import processes
from tools.terminal import ROOT, CannotGoOn

ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/"
    "K1SZFPTOtr/KBHBeksoGMGw=="
)
NOT_FOR_FUNC = ("CONTAINER_NAME", "WEBSITE_INSTANCE_ID")
INSTALL_FUNC = (
    "Install Azure Functions Core Tools (npm install -g azure-functions-core-tools@4), "
    "name it in FUNC_PATH, or use --host stand-in."
)


@dataclass(frozen=True, slots=True)
class Stop:
    """What to do to a part that should stop, and the seconds it is given."""

    ask: Callable[[processes.Process], None]
    grace: float


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the local stack."""

    name: str
    serves: str
    port: int
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    answers: Callable[[int], bool]
    stops: tuple[Stop, ...]
    ends_quietly: str = ""
    is_app: bool = False
    has_page: bool = False

    @property
    def address(self) -> str:
        """Return where it answers."""
        return f"http://127.0.0.1:{self.port}"


def storage(port: int, data: DataFolder) -> Part:
    """Return the part that is Azurite's blob service, keeping its blobs."""
    command = (
        *(azurite.node(), "--require", str(Path(__file__).with_name("azurite.cjs"))),
        *(str(azurite.blob_service()), "--location", str(data.blobs)),
        *("--blobHost", "127.0.0.1", "--blobPort", str(port)),
        *("--silent", "--skipApiVersionCheck", "--disableTelemetry"),
    )
    return Part(
        name="Azurite",
        serves="blobs",
        port=port,
        command=command,
        environment=os.environ,
        folder=data.blobs,
        answers=readiness.storage_answers,
        stops=(Stop(processes.close_stdin, 10),),
    )


def connection_string(port: int) -> str:
    """Return how a storage client finds Azurite on this port."""
    return (
        f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
        f"AccountKey={ACCOUNT_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{port}/devstoreaccount1;"
    )


def emulator(
    port: int, data: DataFolder, key: str | None, dead_letters: str, topology: Path
) -> Part:
    """Return the part that is the Event Grid emulator, keeping its queues."""
    command = (
        *(sys.executable, "-m", "eventgrid_emulator", "--port", str(port)),
        *("--data", str(data.queues), "--dead-letters", dead_letters),
        *("--topology", str(topology)),
        *(("--key", key) if key else ()),
    )
    return Part(
        name="emulator",
        serves="Event Grid namespace",
        port=port,
        command=command,
        environment=os.environ,
        folder=ROOT,
        answers=readiness.emulator_answers,
        stops=(Stop(processes.terminate, 10),),
    )


def host(options: Options, port: int, settings: Mapping[str, str]) -> Part:
    """Return the Functions host with the app: Core Tools' func, or the stand-in."""
    func = None if options.host == "stand-in" else find_func()
    if func is None and options.host == "func":
        raise CannotGoOn(f"func is not on PATH. {INSTALL_FUNC}")
    standing_in = Part(
        name="host",
        serves="the app, in the stand-in host",
        port=port,
        command=(
            *(sys.executable, "-m", "functions_host"),
            *("--port", str(port), "--app", str(options.app)),
        ),
        environment={**os.environ, **settings},
        folder=ROOT,
        answers=readiness.host_answers,
        stops=(Stop(processes.terminate, 30),),
        is_app=True,
        has_page=(options.app / "console").is_dir(),
    )
    if func is not None:
        return _in_func(standing_in, func, options)
    return _with_keys(standing_in, options) if options.enable_auth else standing_in


def _with_keys(part: Part, options: Options) -> Part:
    """Return the stand-in with keys that are there before it begins."""
    file = options.data / local_keys.FILE
    keys = local_keys.make(file, local_keys.READING)
    return replace(
        part,
        command=(*part.command, "--enable-auth", "--secrets", str(file)),
        answers=partial(readiness.host_answers, key=keys.master),
    )


def _in_func(part: Part, func: str, options: Options) -> Part:
    environment = dict(part.environment)
    for name in NOT_FOR_FUNC:
        environment.pop(name, None)
    scripts = str(Path(sys.executable).parent)
    path = os.pathsep.join([scripts, environment.get("PATH", "")])
    environment |= {"PATH": path, "VIRTUAL_ENV": sys.prefix}
    environment |= _bundle(options.app)
    interrupt = processes.interrupt
    auth = ("--enableAuth",) if options.enable_auth else ()
    return replace(
        part,
        serves=f"the app, in {func}",
        command=(func, "start", "--port", str(part.port), *auth),
        environment=environment,
        folder=options.app,
        answers=readiness.page_answers if auth else part.answers,
        stops=(Stop(interrupt, 12), Stop(interrupt, 5)),
        ends_quietly="It ends itself, with exit code 0, when storage was away for about "
        "35 s or its worker crashed three times.",
    )


def _bundle(app: Path) -> dict[str, str]:
    file = app / settings_file.FILE
    values = settings_file.read(file) if file.exists() else {}
    example = settings_file.read(ROOT / settings_file.EXAMPLE)
    return extension_bundle.settings(app, values, example, os.environ)


def find_func() -> str | None:
    """Return Core Tools' func: what FUNC_PATH names, otherwise what is on PATH."""
    named = os.environ.get("FUNC_PATH")
    found = shutil.which(named or "func")
    if named and found is None:
        raise CannotGoOn(
            f"FUNC_PATH names {named}, which cannot be run. {INSTALL_FUNC}"
        )
    return found and _behind_npm(Path(found))


def _behind_npm(found: Path) -> str:
    """Return the real func, to which what npm puts on PATH passes no signal on."""
    script = found.resolve()
    for real in (
        script.parent.parent / "bin" / "func",
        script.parent / "node_modules/azure-functions-core-tools/bin/func.exe",
    ):
        if script.suffix in (".js", ".cmd") and real.exists():
            return str(real)
    return str(found)


def build(
    options: Options, ports: Mapping[str, int], data: DataFolder
) -> tuple[list[Part], tuple[str, ...]]:
    """Return the parts in the order they are needed, and what to say of settings."""
    values = settings_file.read(options.app / settings_file.FILE)
    example = settings_file.example(options.app)
    blobs = connection_string(ports["--storage-port"])
    local = dict.fromkeys(settings_file.STORAGE, blobs)
    known = values | os.environ
    endpoint = spelled(settings_file.ENDPOINT, known)
    local[endpoint] = f"http://127.0.0.1:{ports['--emulator-port']}"
    topology = declared_topology.choose(options.app, options.topology, known)
    if settings_file.TOPIC in known:
        local[settings_file.TOPIC] = topology.topic
    overrides = settings_file.overrides(values, example, os.environ, local)
    key = known.get(spelled(settings_file.KEY, known))
    environment = overrides.environment | topology.settings
    parts = [
        storage(ports["--storage-port"], data),
        emulator(ports["--emulator-port"], data, key, blobs, topology.file),
    ]
    notes = overrides.notes
    if options.host == NO_HOST:
        needed = environment | _bundle(options.app)
        notes += own_host.instructions(options.app, values, needed, ports)
    else:
        parts.append(host(options, ports["--http-port"], environment))
    marked = {processes.MARK: str(data.path), "PYTHONUNBUFFERED": "1"}
    return (
        [replace(part, environment={**part.environment, **marked}) for part in parts],
        notes,
    )
