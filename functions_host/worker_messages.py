"""The message types the worker library asks its caller for, as plain objects.

`azure_functions_runtime` takes the module of protobuf classes as an argument and
only constructs and reads attributes, so nothing has to be generated or pinned.
"""

from types import SimpleNamespace
from typing import Any


class Message(SimpleNamespace):
    """A message whose absent fields read as None."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class TypedData(SimpleNamespace):
    """A value that says of which kind it is: http, json, string, bytes.

    No Message: the library tells values from messages by what they do not have.
    """

    http: Any = None
    json: str | None = None
    string: str | None = None
    bytes: Any = None

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's name
        """Return the name of the one field that is set."""
        return next(iter(self.__dict__), None)


class ParameterBinding(Message):
    """A named value that goes into a function or comes out of it."""

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - protobuf's name
        """Return `data`: there is no shared memory here."""
        return "data"


class StatusResult(Message):
    """Whether the worker did what it was asked."""

    Failure, Success, Cancelled = 0, 1, 2


class BindingInfo(Message):
    """Direction and data type of a binding, numbered as in protobuf."""

    out, inout = 1, 2
    undefined, string, binary, stream = 0, 1, 2, 3


# `None` is a keyword, so this one is made by calling type().
_SAME_SITE = type("SameSite", (), {"None": 0, "Lax": 1, "Strict": 2, "ExplicitNone": 3})


class RpcHttpCookie(Message):
    """A cookie that a function sets."""

    SameSite: Any = _SAME_SITE


class FunctionMetadataResponse(Message):
    """What was indexed; None when the app has no function file."""


RpcHttp = Message
RpcException = Message
RpcRetryOptions = Message
RpcFunctionMetadata = Message
WorkerMetadata = Message
NullableString = NullableBool = NullableDouble = NullableTimestamp = Message
Timestamp = Message
WorkerInitResponse = FunctionLoadResponse = InvocationResponse = Message
