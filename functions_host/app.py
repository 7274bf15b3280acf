"""The app as this host runs it: its functions, what is wrong with them, and its state."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from functions_host.functions import Function, HttpTrigger, OtherTrigger, TimerTrigger
from functions_host.http.router import Router
from functions_host.invocations import Invocations
from functions_host.keys import Keys
from functions_host.settings import HostSettings
from functions_host.timers.timer_set import Timers
from functions_host.worker_messages import RpcHttp, TypedData

VERSION = "4.1037.0"


@dataclass(slots=True)
class App:
    """Everything that HTTP and the admin API need to know."""

    id: str
    settings: HostSettings
    environ: Mapping[str, str]
    functions: Mapping[str, Function]
    router: Router
    timers: Timers
    invocations: Invocations
    keys: Keys
    auth: bool
    errors: list[str] = field(default_factory=list)
    broken: bool = False
    started: float = field(default_factory=time.monotonic)

    def function(self, name: str) -> Function | None:
        """Return the function of that name, whatever its case."""
        return self.functions.get(name.lower())

    def function_errors(self, function: Function) -> list[str]:
        """Return why that function does not run, if it does not."""
        errors = [
            self.router.errors.get(function.name),
            self.timers.error(function.name),
        ]
        if isinstance(function.trigger, OtherTrigger):
            errors.append(
                f"{function.trigger.type} is not served here: "
                "only HTTP and timer triggers are"
            )
        return [error for error in errors if error]

    def manual_input(self, function: Function, text: str) -> TypedData | None:
        """Return what a run by hand gives the function; None if there is none."""
        match function.trigger:
            case HttpTrigger():
                return TypedData(http=_posted(text))
            case TimerTrigger():
                timer = self.timers[function.name]
                return timer.value() if timer else None
            case OtherTrigger():
                return None

    def summary(self, function: Function, address: str) -> str:
        """Return where an HTTP function is found, or when a timer function fires."""
        match function.trigger:
            case HttpTrigger(route=route, methods=methods):
                path = f"{self.router.prefix}/{route}".strip("/")
                return f"[{','.join(methods) or 'any method'}] {address}/{path}"
            case TimerTrigger(schedule=written):
                timer = self.timers[function.name]
                return f"timer {timer.schedule.text if timer else written}"
            case OtherTrigger(type=kind):
                return kind

    def status(self) -> dict[str, object]:
        """Return the host's state in the words of the Functions host."""
        document: dict[str, object] = {
            "id": self.id,
            "state": "Error" if self.broken else "Running",
            "version": VERSION,
            "versionDetails": f"{VERSION} (local stand-in)",
            "platformVersion": "",
            "processUptime": int((time.monotonic() - self.started) * 1000),
            "functionAppContentEditingState": "NotAllowed",
        }
        return document | ({"errors": self.errors} if self.errors else {})


def _posted(text: str) -> RpcHttp:
    return RpcHttp(
        method="POST",
        url="",
        headers={},
        query={},
        params={},
        body=TypedData(bytes=text.encode()),
    )
