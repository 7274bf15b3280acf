"""Lists as files: a line of JSON for each item, or CSV that a spreadsheet may open."""

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

from console.http import HEADERS, Reply

type Format = Literal["json", "ndjson", "csv"]

CONTENT_TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
# A cell that begins like this is a formula to a spreadsheet, also in full width; some
# look past blanks and quotes.
_FORMULA = r"""[\s\x00-\x1f"'\ufeff\u200b-\u200f]*[=+\-@|%＝＋－＠｜％]"""  # noqa: RUF001
_BEGINS = re.compile(rf"(?:[\t\r\n]|{_FORMULA})")
# Where a cell ends for a spreadsheet whose separator is not the comma, and a row does.
_LATER = re.compile(rf"([;\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+)(?={_FORMULA})")


def export[Row: msgspec.Struct](
    rows: Iterable[Row],
    of: type[Row],
    kind: Literal["ndjson", "csv"],
    *,
    name: str,
    now: datetime,
    cursor: str | None,
) -> Reply:
    """Return the rows as a file to save: `<name>-<time>.csv`, or `.ndjson`.

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
    """Return a line of names, then one for each row; a list or an object is JSON.

    A byte order mark comes first: without it a spreadsheet takes UTF-8 for something
    else. Programs have `ndjson`.
    """
    names = [field.encode_name for field in msgspec.structs.fields(of)]
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(names)
    for row in rows:
        members = msgspec.json.decode(
            msgspec.json.encode(row), type=dict[str, msgspec.Raw]
        )
        lines.writerow([_cell(bytes(members[name])) for name in names])
    return BOM_UTF8 + text.getvalue().encode()


def _cell(raw: bytes) -> str:
    """Return a value as a spreadsheet may show it; text that it would run gets a `'`.

    JSON stays the same JSON: between its tokens a tab is a blank, in its strings a
    semicolon may be an escape.
    """
    if raw == b"null":
        return ""
    if not raw.startswith(b'"'):
        blank = raw.decode().replace("\t", " ")
        return _LATER.sub(_escape, blank)
    text = _LATER.sub(r"\1'", msgspec.json.decode(raw, type=str))
    return f"'{text}" if _BEGINS.match(text) else text


def _escape(cut: re.Match[str]) -> str:
    """Return the characters as JSON's strings may have them, too."""
    return "".join(f"\\u{ord(character):04x}" for character in cut[0])
