"""Turnlog's attribute names for OpenTelemetry Python: turns, tool calls, file operations, decisions.

Four functions to copy into an app. They use the OpenTelemetry API only; providers and exporters come from
`opentelemetry-instrument`. The names, with their meaning: docs/CONVENTIONS.md.
"""

import difflib
import json
import time
import uuid
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger
from opentelemetry.trace import StatusCode

SESSION_ID = str(uuid.uuid4())
tracer = trace.get_tracer("example.agent")
logger = get_logger("example.agent")


def message(role, text):
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


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


def start_session(version):
    log_event("session.start", {"service.version": version})


def end_session():
    log_event("session.end", {})


@contextmanager
def _span(name, attributes):
    """A span that fails with what is thrown through it."""
    attributes = {"session.id": SESSION_ID, **attributes}
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR, str(error))
            log_event(
                "exception",
                {"exception.type": type(error).__qualname__, "exception.message": str(error)},
                severity=SeverityNumber.ERROR,
            )
            raise


@contextmanager
def turn(prompt, agent, conversation_id):
    """One message of the user, and all that follows. `answer(text)` says what the user was told."""
    attributes = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": agent,
        "gen_ai.conversation.id": conversation_id,
        "gen_ai.input.messages": message("user", prompt),
        "turnlog.turn.transport": "rest",
    }
    with _span(f"invoke_agent {agent}", attributes) as span:
        yield lambda text: span.set_attribute("gen_ai.output.messages", message("assistant", text))


@contextmanager
def tool_call(name, call_id, arguments):
    """One execution of a tool. `result(text)` says what the model was told."""
    attributes = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": json.dumps(arguments),
    }
    with _span(f"execute_tool {name}", attributes) as span:
        yield lambda text: span.set_attribute("gen_ai.tool.call.result", text)


def file_operation(path, before, after):
    """What became of one file; `None` where there was, or is, none. Returns what a decision refers to."""
    kind = "create" if before is None else "delete" if after is None else "edit"
    lines = difflib.unified_diff(
        (before or "").splitlines(keepends=True), (after or "").splitlines(keepends=True), path, path
    )
    diff = [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines]
    attributes = {
        "file.path": path,
        "turnlog.file_operation.id": str(uuid.uuid4()),
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
    with _span(f"file.{kind}", attributes) as span:
        return attributes["turnlog.file_operation.id"], trace.set_span_in_context(span)


def decide(operation, decision, reason=None):
    """What the user said of a file operation: `accept`, `reject` or `revert`."""
    operation_id, context = operation
    attributes = {
        "turnlog.file_operation.id": operation_id,
        "turnlog.decision.type": decision,
        "turnlog.decision.source": "user",
    }
    if reason is not None:
        attributes["turnlog.decision.reason"] = reason
    log_event("turnlog.change.decision", attributes, context)
