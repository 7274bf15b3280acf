"""JSON schemas of the types that endpoints take and answer, as they are sent."""

from typing import Any

import msgspec

type Json = dict[str, Any]

COMPONENT = "#/components/schemas/{name}"
ANYTHING = {"$comment": "any JSON"}


class Schemas:
    """The schema of each of these types, and `components`, which they refer to."""

    def __init__(self, kinds: list[Any]) -> None:
        found, self.components = msgspec.json.schema_components(
            kinds, schema_hook=lambda _: ANYTHING, ref_template=COMPONENT
        )
        self._schemas = list(zip(kinds, found, strict=True))

    def of(self, kind: Any) -> Json:
        """Return the schema of that type."""
        return next(schema for known, schema in self._schemas if known == kind)

    def of_parameter(self, kind: Any) -> Json:
        """Return the schema of a value that may be absent: a query has no null.

        An enumeration stands in it, not in a component.
        """
        found = self.of(kind)
        kinds = [
            schema for schema in found.get("anyOf", ()) if schema != {"type": "null"}
        ]
        rest = {name: value for name, value in found.items() if name != "anyOf"}
        if len(kinds) > 1:
            return {**rest, "anyOf": kinds}
        only = {**rest, **kinds[0]} if kinds else rest
        named = self.components[_name(only)] if "$ref" in only else {}
        return {"enum": named["enum"]} if "enum" in named else only

    def forbid_unknown(self, body: Any) -> None:
        """Forbid other names than its own in a body."""
        self.components[_name(self.of(body))]["additionalProperties"] = False

    def require_all(self, answer: Any) -> None:
        """Require all members in an answer: one that is not known is null."""
        for name in _collect_references(self.of(answer), self.components, set()):
            if properties := self.components[name].get("properties"):
                self.components[name]["required"] = list(properties)
                for member in properties.values():
                    member.pop("default", None)


def _collect_references(part: Any, components: Json, known: set[str]) -> set[str]:
    """Return the names of the components that a schema refers to, also indirectly."""
    if isinstance(part, list):
        for item in part:
            _collect_references(item, components, known)
    elif isinstance(part, dict):
        if "$ref" in part and (name := _name(part)) not in known:
            known.add(name)
            _collect_references(components[name], components, known)
        _collect_references([*part.values()], components, known)
    return known


def _name(reference: Json) -> str:
    name: str = reference["$ref"].rpartition("/")[2]
    return name
