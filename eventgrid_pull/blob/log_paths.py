"""Where the blobs of an append log lie: `<log>/<yyyy>/<MM>/<dd>/<HH>/<writer>.ndjson`."""

from datetime import datetime

_LINES = ".ndjson"


def month_of_log(log: str, moment: datetime) -> str:
    """Return the folder that has what the log holds of that month."""
    return f"{log}/{moment:%Y/%m}/"


def day_of_log(log: str, moment: datetime) -> str:
    """Return the folder of that day."""
    return f"{log}/{moment:%Y/%m/%d}/"


def hour_of_log(log: str, moment: datetime) -> str:
    """Return the folder of that hour."""
    return f"{log}/{moment:%Y/%m/%d/%H}/"


def log_blob(log: str, hour: datetime, writer: str, part: int = 0) -> str:
    """Return the name of a writer's blob of that hour; `part` counts from 0."""
    suffix = f"-{part}" if part else ""
    return f"{hour_of_log(log, hour)}{writer}{suffix}{_LINES}"


def hour_of_blob(name: str) -> datetime:
    """Return the hour that a log's blob is of."""
    *_, year, month, day, hour, _ = name.split("/")
    return datetime.fromisoformat(f"{year}-{month}-{day}T{hour}:00:00+00:00")


def folder_of(name: str) -> str:
    """Return the folder that a blob lies in."""
    return name[: name.rfind("/") + 1]
