"""A small agent app: FastAPI, the Anthropic SDK, one tool that writes files. README.md says how to run it.

The SDK records its model calls and OpenTelemetry's FastAPI instrumentation its requests, without any code here;
`turnlog.py` records turns, tool calls, file operations and decisions.
"""

import os
from contextlib import asynccontextmanager
from pathlib import Path

import anthropic
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

import turnlog

workspace = Path(os.environ.get("EXAMPLE_WORKSPACE", ".")).resolve()
model = os.environ.get("EXAMPLE_MODEL", "claude-opus-4-5")
client = anthropic.Anthropic()
operations = {}

path_schema = {"type": "string", "description": "Relative to the workspace."}
tools = [
    {
        "name": "read_file",
        "description": "Reads a text file.",
        "input_schema": {"type": "object", "properties": {"path": path_schema}, "required": ["path"]},
    },
    {
        "name": "write_file",
        "description": "Makes or replaces a text file.",
        "input_schema": {
            "type": "object",
            "properties": {"path": path_schema, "content": {"type": "string"}},
            "required": ["path", "content"],
        },
    },
]


def in_workspace(path):
    target = (workspace / path).resolve()
    if not target.is_relative_to(workspace):
        raise ValueError(f"{path} is outside of the workspace")
    return target


def read(path):
    """The unchanged text of a file; `None` if there is no file."""
    target = in_workspace(path)
    return target.read_bytes().decode() if target.exists() else None


def write(path, content):
    target = in_workspace(path)
    if content is None:
        target.unlink()
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode())


def run_tool(name, arguments):
    path = arguments["path"]
    before = read(path)
    if name == "read_file":
        if before is None:
            raise FileNotFoundError(f"{path} does not exist.")
        return before
    write(path, arguments["content"])
    operation = turnlog.file_operation(path, before, arguments["content"])
    operations[operation.id] = operation
    return f"Wrote {path}."


def use_tool(block):
    """Runs one tool call, and returns the result for the model."""
    result = {"type": "tool_result", "tool_use_id": block.id}
    with turnlog.tool_call(block.name, block.id, block.input) as record:
        try:
            text = run_tool(block.name, block.input)
            record(text)
            return {**result, "content": text}
        except (OSError, ValueError, KeyError) as error:
            record(str(error), error)
            return {**result, "content": str(error), "is_error": True}


def revert(operation):
    """Restores the earlier content, unless the file was changed after the operation."""
    now = read(operation.path)
    if now != operation.after:
        return "missing" if now is None else "conflict"
    write(operation.path, operation.before)
    return "restored"


@asynccontextmanager
async def lifespan(_app):
    turnlog.start_session()
    yield
    turnlog.end_session()


app = FastAPI(lifespan=lifespan)


class ChatRequest(BaseModel):
    message: str
    conversation_id: str = "default"


class DecisionRequest(BaseModel):
    decision: str
    reason: str | None = None


@app.post("/api/chat")
def chat(request: ChatRequest):
    with turnlog.turn(request.message, "example", request.conversation_id, model) as answer:
        messages = [{"role": "user", "content": request.message}]
        while True:
            reply = client.messages.create(model=model, max_tokens=4096, tools=tools, messages=messages)
            asked = [block for block in reply.content if block.type == "tool_use"]
            if not asked:
                text = "".join(block.text for block in reply.content if block.type == "text")
                answer(text)
                return {"answer": text}
            messages.append({"role": "assistant", "content": [block.model_dump() for block in reply.content]})
            messages.append({"role": "user", "content": [use_tool(block) for block in asked]})


@app.get("/api/changes")
def changes():
    return {"operations": [{"id": each.id, "path": each.path} for each in operations.values()]}


@app.post("/api/changes/{operation_id}")
def decide(operation_id: str, request: DecisionRequest):
    operation = operations.get(operation_id)
    if operation is None or request.decision not in ("accept", "reject", "revert"):
        raise HTTPException(404)
    outcome = revert(operation) if request.decision == "revert" else "kept"
    turnlog.decide(operation, request.decision, outcome, request.reason)
    if outcome in ("conflict", "missing"):
        raise HTTPException(409, f"{operation.path} is not what the operation left.")
    return {"outcome": outcome}
