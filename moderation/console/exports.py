"""Lists as files: a line of JSON for each item, or CSV that a spreadsheet may open."""

import csv
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from moderation.console.reply import HEADERS, Reply

type Format = Literal["json", "ndjson", "csv"]

CONTENT_TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
# A cell that begins like this is a formula to a spreadsheet; some look past blanks.
FORMULAS = (
    *("=", "+", "-", "@", "|", "%", "\t", "\r", "\n"),
    *("\uff1d", "\uff0b", "\uff0d", "\uff20"),  # = + - @ in full width
)


def exported[Row: msgspec.Struct](
    rows: Iterable[Row],
    of: type[Row],
    kind: Literal["ndjson", "csv"],
    *,
    name: str,
    now: datetime,
    cursor: str | None,
) -> Reply:
    """The rows as a file to save: `<name>-<time>.csv`, or `.ndjson`.

    Where there are more, the header `X-Next-Cursor` has what asks for them.
    """
    body = (
        _csv(rows, of) if kind == "csv" else msgspec.json.Encoder().encode_lines(rows)
    )
    file = f"{name}-{now:%Y%m%dT%H%M%SZ}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{file}"'}
    if cursor is not None:
        headers["X-Next-Cursor"] = cursor
    return Reply(200, body, CONTENT_TYPES[kind], HEADERS | headers)


def _csv[Row: msgspec.Struct](rows: Iterable[Row], of: type[Row]) -> bytes:
    """A line of names, then one for each row; what is a list or an object is JSON."""
    names = [one.encode_name for one in msgspec.structs.fields(of)]
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(names)
    for row in rows:
        told = msgspec.json.decode(
            msgspec.json.encode(row), type=dict[str, msgspec.Raw]
        )
        lines.writerow([_cell(bytes(told[name])) for name in names])
    return text.getvalue().encode()


def _cell(raw: bytes) -> str:
    """A value as a spreadsheet may show it; text that it would run gets a `'`."""
    if raw == b"null":
        return ""
    if not raw.startswith(b'"'):
        return raw.decode()
    text = msgspec.json.decode(raw, type=str)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULAS) else text
