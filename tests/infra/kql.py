"""As much of Kusto's query language as alerts and the workbook speak, over recorded rows.

A table or a column that was not recorded is a KeyError: no query names what nobody sends.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]
Value = Callable[[Row], Any]
_TOKEN = re.compile(r'\s*("[^"]*"|\d+m\b|\d+|[A-Za-z_]\w*|=~|==|>=|<=|!=|[-<>(),*=])')
_PIPE = re.compile(r"\s*(?:\n|\s)\|\s")
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    ">=": lambda a, b: a is not None and bool(a >= b),
    "<=": lambda a, b: a is not None and bool(a <= b),
    ">": lambda a, b: a is not None and bool(a > b),
    "<": lambda a, b: a is not None and bool(a < b),
    "=~": lambda a, b: str(a).lower() == str(b).lower(),
    "startswith": lambda a, b: str(a).lower().startswith(str(b).lower()),
    "has": lambda a, b: str(b).lower() in re.findall(r"\w+", str(a).lower()),
    "matches": lambda a, b: re.search(b, a) is not None,
}
_SCALARS: dict[str, Callable[..., Any]] = {
    "not": lambda a: not a,
    "toint": lambda a: int(a) if str(a).isdecimal() else None,
    "isnotempty": lambda a: a not in (None, ""),
    "format_datetime": lambda moment, _: f"{moment:%Y-%m-%d %H:%M:%S}",
    "bin": lambda moment, _: moment.replace(second=0, microsecond=0),
}
_SUMS: dict[str, Callable[[Sequence[tuple[Any, ...]]], Any]] = {
    "count": len,
    "sum": lambda values: sum(value for (value,) in values),
    "sumif": lambda values: sum(value for value, holds in values if holds),
    "max": lambda values: max((value for (value,) in values), default=None),
    "percentile": lambda values: sorted(value for value, _ in values)[len(values) // 2],
}


def run(query: str, tables: dict[str, list[Row]], now: datetime) -> list[Row]:
    """The rows that a query gives at a moment. Raises KeyError for what was not recorded."""
    first, *steps = _PIPE.split(query)
    found = re.fullmatch(r"union isfuzzy=true \(datatable\((.*)\)\[\]\), (\w+)", first)
    assert found is not None, first
    rows: Iterable[Row] = tables[found[2]]
    named = {column.split(":")[0].strip() for column in found[1].split(",")}
    assert all(named <= row.keys() for row in rows), named
    for step in steps:
        verb, _, rest = step.strip().partition(" ")
        rows = list(_VERBS[verb](rest, rows, now))
    return list(rows)


def _where(text: str, rows: Iterable[Row], now: datetime) -> Iterator[Row]:
    holds = _Parser(text, now).whole()
    return (row for row in rows if holds(row))


def _extend(text: str, rows: Iterable[Row], now: datetime) -> Iterator[Row]:
    name, _, value = text.partition(" = ")
    made = _Parser(value, now).whole()
    return (row | {name: made(row)} for row in rows)


def _summarize(text: str, rows: Iterable[Row], now: datetime) -> Iterator[Row]:
    text, _, by = f" {text}".partition(" by ")
    parsed = _Parser(by, now).named() if by else {}
    sums = _Parser(text, now).named() if text.strip() else {}
    groups: dict[tuple[Any, ...], list[Row]] = {} if by else {(): []}
    for row in rows:
        groups.setdefault(tuple(key(row) for key in parsed.values()), []).append(row)
    for keys, members in groups.items():
        yield dict(zip(parsed, keys, strict=True)) | {
            name: value({"": members}) for name, value in sums.items()
        }


def _parse(text: str, rows: Iterable[Row], _: datetime) -> Iterator[Row]:
    column, pattern = text.split(" with ", 1)
    expression, types = "", {}
    for quoted, name, kind in re.findall(r'"([^"]*)"|(\w+)(?:: (\w+))?', pattern):
        expression += f"(?P<{name}>.*?)" if name else re.escape(quoted)
        if name:
            types[name] = int if kind == "long" else str
    for row in rows:
        if found := re.fullmatch(expression, row[column]):
            yield row | {name: to(found[name]) for name, to in types.items()}


def _project(text: str, rows: Iterable[Row], _: datetime) -> Iterator[Row]:
    names = text.split(", ")
    return ({name: row[name] for name in names} for row in rows)


def _order(text: str, rows: Iterable[Row], _: datetime) -> Iterator[Row]:
    found = re.fullmatch(r"by (\w+) (asc|desc)", text)
    assert found is not None, text
    key, reverse = found[1], found[2] == "desc"
    yield from sorted(rows, key=lambda row: row[key], reverse=reverse)


def _take(text: str, rows: Iterable[Row], _: datetime) -> Iterator[Row]:
    return iter(list(rows)[: int(text)])


_VERBS: dict[str, Callable[[str, Iterable[Row], datetime], Iterator[Row]]] = {
    "where": _where,
    "extend": _extend,
    "summarize": _summarize,
    "parse": _parse,
    "project": _project,
    "order": _order,
    "take": _take,
}


class _Parser:
    """Expressions: or, and, a comparison, a product, a call, a literal, a column."""

    def __init__(self, text: str, now: datetime) -> None:
        self._tokens = _TOKEN.findall(text)
        assert "".join(self._tokens) == re.sub(
            r'\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', "", text
        )
        self._now = now

    def whole(self) -> Value:
        value = self._or()
        assert self._tokens == []
        return value

    def named(self) -> dict[str, Value]:
        """`Name = expression` or an expression that is its own name, with commas between."""
        found: dict[str, Value] = {}
        while self._tokens:
            name = self._tokens[0]
            if self._tokens[1:2] == ["="]:
                del self._tokens[:2]
            elif name == "bin":
                name = self._tokens[2]
            found[name] = self._or()
            self._skip(",")
        return found

    def _skip(self, token: str) -> bool:
        if self._tokens[:1] != [token]:
            return False
        del self._tokens[0]
        return True

    def _or(self) -> Value:
        left = self._and()
        while self._skip("or"):
            left = _either(left, self._and())
        return left

    def _and(self) -> Value:
        left = self._comparison()
        while self._skip("and"):
            left = _both(left, self._comparison())
        return left

    def _comparison(self) -> Value:
        left = self._product()
        if not self._tokens or self._tokens[0] not in _COMPARED:
            return left
        compare = _COMPARED[self._tokens.pop(0)]
        self._skip("regex")
        right = self._product()
        return lambda row: compare(left(row), right(row))

    def _product(self) -> Value:
        left = self._one()
        while self._skip("*"):
            left = _times(left, self._one())
        return left

    def _one(self) -> Value:
        token = self._tokens.pop(0)
        if token == "(":
            inner = self._or()
            assert self._skip(")")
            return inner
        if self._skip("("):
            return self._call(token)
        if token.startswith('"'):
            return lambda _: token[1:-1]
        if token[0].isdigit():
            return lambda _: int(token.rstrip("m"))
        return lambda row: row[token]

    def _call(self, name: str) -> Value:
        values: list[Value] = []
        while not self._skip(")"):
            values.append(self._or())
            self._skip(",")
        if name in _SUMS:
            return lambda group: _SUMS[name](
                [tuple(value(row) for value in values) for row in group[""]]
            )
        if name == "ago":
            return lambda row: self._now - timedelta(minutes=values[0](row))
        if name == "case":
            return lambda row: _case([value(row) for value in values])
        return lambda row: _SCALARS[name](*(value(row) for value in values))


def _either(left: Value, right: Value) -> Value:
    return lambda row: left(row) or right(row)


def _both(left: Value, right: Value) -> Value:
    return lambda row: left(row) and right(row)


def _times(left: Value, right: Value) -> Value:
    return lambda row: left(row) * right(row)


def _case(values: list[Any]) -> Any:
    *cases, default = values
    for holds, value in zip(cases[::2], cases[1::2], strict=True):
        if holds:
            return value
    return default
