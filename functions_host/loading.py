"""From a folder with a function app to the app as this host runs it."""

import logging
import os
import re
import sys
from pathlib import Path

from functions_host import log, settings, worker
from functions_host.app import App
from functions_host.functions import Function, HttpTrigger, is_disabled
from functions_host.http.router import Router
from functions_host.invocations import Invocations
from functions_host.keys import Keys
from functions_host.settings import BadSettings, HostSettings
from functions_host.timers.missed_timers import ScheduleMonitor, Time
from functions_host.timers.status_blobs import SETTING, StatusBlobs, host_id
from functions_host.timers.timer_set import Timers
from functions_host.worker import CannotIndex

LOG = logging.getLogger("functions_host")
FRAME = re.compile(r'^ *File "([^"]+)", line (\d+)', re.MULTILINE)
# The line with which the first of several tracebacks ends.
CAUSE = re.compile(r"^[A-Za-z_][\w.]*: .*", re.MULTILINE)
TRUE = {"1", "true"}


async def load(app_dir: Path, keys: Keys, time: Time, *, auth: bool) -> App:
    """Return the app in that folder; one that cannot be loaded has only errors."""
    host_settings, broken = _host_settings(app_dir)
    invocations = Invocations(host_settings.function_timeout)
    log.set_up(
        invocations.current_function,
        host_settings.log_levels,
        debug=os.environ.get("PYTHON_ENABLE_DEBUG_LOGGING", "").lower() in TRUE,
    )
    errors = [broken] if broken else []
    functions: list[Function] = []
    if not broken:
        try:
            functions = await _index(app_dir)
        except CannotIndex as error:
            errors.append(str(error))
    for reason in errors:
        LOG.error(
            "the app cannot be loaded, it has no functions: %s\n%s",
            place_of(reason, app_dir),
            reason,
        )
    if auth:
        keys.make(f.name for f in functions if isinstance(f.trigger, HttpTrigger))
    return App(
        id=host_id(app_dir, os.environ),
        settings=host_settings,
        environ=os.environ,
        functions={function.name.lower(): function for function in functions},
        router=Router(functions, host_settings.route_prefix, os.environ),
        timers=Timers(
            functions, invocations, _monitor(app_dir, time), time, os.environ
        ),
        invocations=invocations,
        keys=keys,
        auth=auth,
        errors=errors,
        broken=broken is not None,
    )


def place_of(reason: str, app_dir: Path) -> str:
    """Return in one line what a traceback begins with: file and line in the app, why."""
    why = CAUSE.search(reason)
    if not why:
        return reason.strip().rpartition("\n")[2]
    in_app = [
        f"{Path(file).relative_to(app_dir)}, line {line}: "
        for file, line in FRAME.findall(reason, 0, why.start())
        if Path(file).is_relative_to(app_dir) and "site-packages" not in file
    ]
    return (in_app[-1] if in_app else "") + why[0]


def log_functions(app: App, address: str) -> None:
    """Log a line for each function: where it is, or when it fires, or why not."""
    for function in app.functions.values():
        problems = app.function_errors(function)
        disabled = " (disabled)" if is_disabled(function.name, app.environ) else ""
        LOG.log(
            logging.ERROR if problems else logging.INFO,
            "%s%s",
            "; ".join(problems) or app.summary(function, address),
            disabled,
            extra={"function": function.name},
        )


def _host_settings(app_dir: Path) -> tuple[HostSettings, str | None]:
    try:
        return settings.host_settings(app_dir), None
    except BadSettings as error:
        return HostSettings(), str(error)


async def _index(app_dir: Path) -> list[Function]:
    """Import the app from its folder; .python_packages is for Linux in Azure."""
    sys.path.insert(0, str(app_dir))
    os.chdir(app_dir)
    return await worker.index(app_dir)


def _monitor(app_dir: Path, time: Time) -> ScheduleMonitor | None:
    connection_string = os.environ.get(SETTING)
    if not connection_string:
        return None
    return ScheduleMonitor(
        StatusBlobs(connection_string, host_id(app_dir, os.environ)), time
    )
