"""Turnlog's attribute names for OpenTelemetry Python: turns, tool calls, file operations, decisions.

A few functions to copy into an app. `opentelemetry-instrument` sets up providers and exporters. docs/CONVENTIONS.md
explains the names.
"""

import difflib
import json
import re
import time
import traceback
import uuid
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger
from opentelemetry.context import Context, attach, detach, get_value, set_value
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import StatusCode

SESSION_ID = str(uuid.uuid4())
conversation_key = "turnlog.conversation"
tracer = trace.get_tracer("example.agent")
logger = get_logger("example.agent")


class _Belonging(SpanProcessor):
    """Adds session and conversation to every span, including those of the SDK and other instrumentations."""

    def on_start(self, span, parent_context=None):
        span.set_attribute("session.id", SESSION_ID)
        conversation_id = get_value(conversation_key, parent_context)
        if conversation_id is not None:
            span.set_attribute("gen_ai.conversation.id", conversation_id)


def start_session():
    provider = trace.get_tracer_provider()
    if hasattr(provider, "add_span_processor"):  # Without opentelemetry-instrument nothing is recorded.
        provider.add_span_processor(_Belonging())
    log_event("session.start", {})


def end_session():
    log_event("session.end", {})


def message(role, text):
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}], ensure_ascii=False)


def log_event(name, attributes, context=None, severity=SeverityNumber.INFO):
    logger.emit(
        LogRecord(
            timestamp=time.time_ns(),
            event_name=name,
            severity_number=severity,
            attributes={"session.id": SESSION_ID, **attributes},
            context=context,
        )
    )


def _failed(span, error, origin):
    kind = type(error).__qualname__
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR, str(error))
    attributes = {
        "exception.type": kind,
        "exception.message": str(error),
        "exception.stacktrace": "".join(traceback.format_exception(error)),
        "turnlog.error.origin": origin,
    }
    log_event("exception", attributes, severity=SeverityNumber.ERROR)


@contextmanager
def _span(name, attributes, origin):
    """A span that fails if an exception is raised inside it."""
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            _failed(span, error, origin)
            raise


@contextmanager
def turn(prompt, agent, conversation_id, model):
    """One message of the user, and all that follows. `answer(text)` records the answer to the user."""
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": agent,
        "gen_ai.request.model": model,
        "gen_ai.input.messages": message("user", prompt),
        "turnlog.turn.transport": "rest",
        "turnlog.turn.outcome": "failed",
    }
    token = attach(set_value(conversation_key, conversation_id))
    try:
        with _span(f"invoke_agent {agent}", attributes, "framework") as span:
            yield lambda text: span.set_attribute("gen_ai.output.messages", message("assistant", text))
            span.set_attribute("turnlog.turn.outcome", "completed")
    finally:
        detach(token)


@contextmanager
def tool_call(name, call_id, arguments):
    """One execution of a tool. `record(text, error)` records the result for the model, and the error of a failed call."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": json.dumps(arguments, ensure_ascii=False),
    }
    with _span(f"execute_tool {name}", attributes, "tool") as span:

        def record(text, error=None):
            span.set_attribute("gen_ai.tool.call.result", text)
            if error is not None:
                _failed(span, error, "tool")

        yield record


@dataclass(frozen=True)
class FileOperation:
    id: str
    time: float
    path: str
    before: str | None
    after: str | None
    context: Context


def file_operation(path, before, after):
    """One file operation; `None` means that there was, or is, no file. Returns the reference for a decision."""
    kind = "create" if before is None else "delete" if after is None else "edit"
    diff = unified_diff(path, before, after)
    operation_id = str(uuid.uuid4())
    attributes = {
        "file.path": path,
        "turnlog.file_operation.id": operation_id,
        "turnlog.file_operation.type": kind,
        "turnlog.file_operation.source": "api",
        "turnlog.file_operation.diff": "".join(diff),
        "turnlog.file_operation.lines_added": sum(line.startswith("+") for line in diff[2:]),
        "turnlog.file_operation.lines_removed": sum(line.startswith("-") for line in diff[2:]),
    }
    if before is not None:
        attributes["turnlog.file_operation.before"] = before
    if after is not None:
        attributes["turnlog.file_operation.after"] = after
    with _span(f"file.{kind}", attributes, "framework") as span:
        return FileOperation(operation_id, time.time(), path, before, after, trace.set_span_in_context(span))


def unified_diff(path, before, after):
    """A diff that `git apply` accepts."""
    names = ("/dev/null" if before is None else f"a/{path}", "/dev/null" if after is None else f"b/{path}")
    # Not splitlines(), which also splits at a form feed.
    sides = [re.findall(r"[^\n]*\n|[^\n]+", text or "") for text in (before, after)]
    lines = difflib.unified_diff(*sides, *names)
    return [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]


def decide(operation, decision, outcome, reason=None):
    """The user's decision on a file operation: `accept`, `reject` or `revert`; and its effect on the file."""
    attributes = {
        "file.path": operation.path,
        "turnlog.file_operation.id": operation.id,
        "turnlog.decision.type": decision,
        "turnlog.decision.source": "user",
        "turnlog.decision.outcome": outcome,
        "turnlog.decision.elapsed": time.time() - operation.time,
    }
    if reason is not None:
        attributes["turnlog.decision.reason"] = reason
    log_event("turnlog.change.decision", attributes, operation.context)
