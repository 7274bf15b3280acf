"""Which HTTP function a request is for: the first match in alphabetical order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from functions_host.functions import Function, HttpTrigger, is_disabled
from functions_host.http.templates import BadTemplate, Template, compile_template


@dataclass(frozen=True, slots=True)
class Route:
    """A template and methods, and the function behind them."""

    template: Template
    methods: tuple[str, ...]
    function: Function
    trigger: HttpTrigger


class Router:
    """The routes of an app, below its prefix; `errors` names those that cannot be."""

    def __init__(
        self, functions: Iterable[Function], prefix: str, environ: Mapping[str, str]
    ) -> None:
        self.prefix = prefix.strip("/")
        self.errors: dict[str, str] = {}
        self._routes: list[Route] = []
        for function in sorted(functions, key=lambda function: function.name.lower()):
            if not is_disabled(function.name, environ):
                self._add(function)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route for that method and path with its values, or None."""
        below = self._below_prefix(path)
        if below is None:
            return None
        for route in self._routes:
            if route.methods and method.upper() not in route.methods:
                continue
            values = route.template.match(below)
            if values is not None:
                return route, values
        return None

    def _add(self, function: Function) -> None:
        trigger = function.trigger
        if not isinstance(trigger, HttpTrigger):
            return
        try:
            template = compile_template(trigger.route)
        except BadTemplate as error:
            self.errors[function.name] = str(error)
            return
        self._routes.append(Route(template, trigger.methods, function, trigger))

    def _below_prefix(self, path: str) -> str | None:
        path = path.removeprefix("/")
        if not self.prefix:
            return path
        head, rest = path[: len(self.prefix)], path[len(self.prefix) :]
        if head.lower() != self.prefix.lower() or rest[:1] not in {"", "/"}:
            return None
        return rest[1:]
