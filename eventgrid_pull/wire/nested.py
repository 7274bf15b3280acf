"""Events nested so deep that no decoder reads them, told apart from their neighbours.

Every JSON decoder at hand descends by recursion, and gives up on the whole answer for
the sake of one such event. This looks at brackets and strings only, one after another.
"""

import re

DEEPEST = 500
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_MEMBER = 3  # of an item: {"value": [{"event": this


def set_apart(content: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """Return the answer to a receive with a mark for each too deep event; mark → event."""
    parts: list[bytes] = []
    marks: dict[bytes, bytes] = {}
    depth = deepest = start = kept = 0
    for token in _TOKEN.finditer(content):
        match token[0]:
            case b"{" | b"[":
                if depth == _MEMBER:
                    start, deepest = token.start(), 0
                depth += 1
                deepest = max(deepest, depth)
            case b"}" | b"]":
                depth -= 1
                if depth == _MEMBER and deepest > DEEPEST:
                    mark = b'"too deep: %d"' % len(marks)
                    marks[mark] = content[start : token.end()]
                    parts += [content[kept:start], mark]
                    kept = token.end()
    return b"".join([*parts, content[kept:]]), marks
