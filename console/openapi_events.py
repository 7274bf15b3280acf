"""What the API's description says of events: plain results, and CloudEvents around them."""

from typing import Any

from moderation import events
from moderation.publishing import publish_request

RESULT, EVENT = "ModerationResult", "CloudEvent"

type Json = dict[str, Any]


def bodies(component: str) -> Json:
    """Return the content types of publishing; `component` is how a schema is named."""
    result, event = ({"$ref": component.format(name=name)} for name in (RESULT, EVENT))
    several = {"type": "array", "minItems": 1, "maxItems": publish_request.MAX_EVENTS}
    results = {"anyOf": [result, {**several, "items": result}]}
    return {
        publish_request.PLAIN: {"schema": results},
        publish_request.STRUCTURED: {"schema": event},
        publish_request.BATCHED: {"schema": {**several, "items": event}},
    }


def of(components: Json) -> Json:
    """Return schemas of a moderation result and of a CloudEvent around one."""
    names = [kind.__name__ for kind in events.TYPES.values()]
    payloads = [components[name] for name in names]
    required = set.intersection(*(set(payload["required"]) for payload in payloads))
    text = {"type": "string", "minLength": 1}
    return {
        RESULT: {
            "type": "object",
            "description": "A moderation result; without a type its content implies one.",
            "properties": {
                "type": {"enum": [*names, *events.TYPES]},
                **{
                    name: schema
                    for payload in payloads
                    for name, schema in payload["properties"].items()
                },
            },
            "required": [name for name in payloads[0]["required"] if name in required],
        },
        EVENT: {
            "type": "object",
            "description": "A CloudEvent 1.0; further attributes are extensions.",
            "properties": {
                "specversion": {"const": "1.0"},
                "id": text,
                "source": text,
                "type": {"enum": list(events.TYPES)},
                "subject": _or_unset(text),
                "time": _or_unset({"type": "string", "format": "date-time"}),
                "datacontenttype": _or_unset({"type": "string"}),
                "dataschema": _or_unset(text),
                "data": {"anyOf": payloads},
            },
            "required": ["specversion", "id", "source", "type", "data"],
        },
    }


def _or_unset(schema: Json) -> Json:
    """Allow null, which is the same as to leave the attribute out."""
    return {"anyOf": [schema, {"type": "null"}]}
