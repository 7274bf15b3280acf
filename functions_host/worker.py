"""The one door to `azure_functions_runtime`, the library that runs functions in Azure.

It keeps its registry in module globals: one app per process.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure_functions_runtime as runtime

# The metadata the library hands out does not say whether a function is a coroutine.
from azure_functions_runtime.handle_event import _functions as registry

from functions_host import trace_context, worker_messages
from functions_host.functions import Function, from_metadata
from functions_host.worker_messages import Message


class CannotIndex(Exception):
    """The app could not be imported or its functions contradict their bindings."""


class FunctionFailed(Exception):
    """The function raised, or returned what cannot be sent; the text is its traceback."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which try this is, for `context.retry_context`."""

    retry: int = 0
    of: int = 0
    failure: str = ""


FIRST = Attempt()


async def index(app_dir: Path) -> list[Function]:
    """Import the app on this loop and return its functions, sorted by name."""
    if not (app_dir / "function_app.py").is_file():
        raise CannotIndex(f"there is no function_app.py in {app_dir}")
    runtime.start_threadpool_executor()
    request = Message(
        request=Message(
            worker_init_request=Message(
                capabilities={}, function_app_directory=str(app_dir)
            )
        ),
        properties={"protos": worker_messages, "host": "127.0.0.1"},
    )
    answer = await runtime.worker_init_request(request)
    if answer.result.status != worker_messages.StatusResult.Success:
        raise CannotIndex(_traceback(answer.result.exception))
    metadata = await runtime.functions_metadata_request(Message())
    functions = map(_describe, metadata.function_metadata_results or ())
    return sorted(functions, key=lambda function: function.name.lower())


async def invoke(
    function: Function,
    invocation_id: str,
    parameter: str,
    value: worker_messages.TypedData,
    attempt: Attempt = FIRST,
) -> Any:
    """Run the function once and return what it returned, encoded for the wire."""
    runtime.invocation_id_cv.set(invocation_id)
    trace = trace_context.of_invocation(value.http.headers if value.http else {})
    request = Message(
        request=Message(
            invocation_request=Message(
                invocation_id=invocation_id,
                function_id=function.id,
                input_data=[
                    worker_messages.ParameterBinding(name=parameter, data=value)
                ],
                trigger_metadata={},
                trace_context=Message(
                    trace_parent=trace.parent, trace_state=trace.state, attributes={}
                ),
                retry_context=_retry_context(attempt),
            )
        )
    )
    answer = await runtime.invocation_request(request)
    if answer.result.status != worker_messages.StatusResult.Success:
        raise FunctionFailed(_traceback(answer.result.exception))
    return answer.return_value


def current_invocation() -> str | None:
    """Return the id of the invocation that this task or thread works for."""
    invocation_id: str | None = runtime.invocation_id_cv.get(None)
    return invocation_id


def _describe(metadata: Any) -> Function:
    info = registry.get_function(metadata.function_id)
    return from_metadata(metadata, is_async=info.is_async)


def _retry_context(attempt: Attempt) -> Message:
    failure = Message(source="", message=attempt.failure, stack_trace=attempt.failure)
    return Message(
        retry_count=attempt.retry,
        max_retry_count=attempt.of,
        exception=failure if attempt.failure else None,
    )


def _traceback(exception: Any) -> str:
    return str(exception.stack_trace or exception.message).rstrip()
