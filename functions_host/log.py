"""One line per event on stderr, with the name of the function that it belongs to."""

import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}

type FunctionName = Callable[[], str | None]


class Formatter(logging.Formatter):
    """Time, function, level, text."""

    def __init__(self, current_function: FunctionName) -> None:
        super().__init__("%(stamp)s [%(function)s] %(levelname)s %(message)s")
        self._current_function = current_function

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line, and its traceback below it."""
        at = datetime.fromtimestamp(record.created, UTC)
        record.stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"
        if not hasattr(record, "function"):
            record.function = self._current_function() or "host"
        return super().format(record)


class Levels(logging.Filter):
    """Lets through what host.json asks for, and none of the host's own SDK chatter."""

    def __init__(
        self, current_function: FunctionName, levels: dict[str, int], default: int
    ) -> None:
        super().__init__()
        self._current_function = current_function
        self._levels = levels
        self._default = default

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is to be written."""
        function = self._current_function()
        if function is None:
            foreign = record.name.startswith(("azure.", "aiohttp.", "asyncio"))
            return record.levelno >= (logging.WARNING if foreign else self._default)
        return record.levelno >= self._level(function)

    def _level(self, function: str) -> int:
        name = f"function.{function}"
        for category in (f"{name}.user", name, "function"):
            if category in self._levels:
                return self._levels[category]
        return self._default


def set_up(
    current_function: FunctionName, log_levels: Mapping[str, str], *, debug: bool
) -> None:
    """Send every log record of this process to stderr, and `print` as well."""
    levels = {
        category.lower(): LEVELS.get(level.lower(), logging.INFO)
        for category, level in log_levels.items()
    }
    default = levels.get("default", logging.INFO)
    if debug:
        default = min(default, logging.DEBUG)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(current_function))
    handler.addFilter(Levels(current_function, levels, default))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(min(default, *levels.values(), logging.WARNING))
    # The worker library logs every invocation here, and what it indexed.
    logging.getLogger("azure.functions").setLevel(logging.WARNING)
    sys.stdout = sys.stderr
