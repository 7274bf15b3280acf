"""Read JSON as Newtonsoft does, which `func`, the Functions host and Bicep read it with.

Comments, commas before a closing bracket, single quotes, names without quotes, and a byte
order mark are taken. Each package that reads such files has this module, word for word.
"""

import json
import re
from typing import Any

_STRING = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_COMMENTS = re.compile(rf"({_STRING})|//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_EXTRAS = re.compile(
    rf"({_STRING})|,(?=\s*[\]}}])|([A-Za-z_$][\w$]*)(?=\s*:)", re.DOTALL
)
_QUOTES = re.compile(r"""\\'|\\.|["']""", re.DOTALL)


def decode(raw: bytes, **options: Any) -> Any:
    """Return the value in a file. Raises ValueError, whose text says where it is wrong.

    `options` are those of `json.loads`.
    """
    text = raw.decode(json.detect_encoding(raw))
    try:
        plain = _EXTRAS.sub(_in_json, _COMMENTS.sub(_without_comment, text))
        return json.loads(plain, strict=False, **options)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _without_comment(match: re.Match[str]) -> str:
    return match[1] or re.sub(r"[^\r\n]", " ", match[0])


def _in_json(match: re.Match[str]) -> str:
    if match[2]:
        return f'"{match[2]}"'
    if match[1] is None:
        return " "
    return f'"{_QUOTES.sub(_quoted, match[1][1:-1])}"'


def _quoted(match: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(match[0], match[0])
