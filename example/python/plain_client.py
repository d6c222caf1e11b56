"""One turn as plain events, with nothing but the standard library. TURNLOG_RECEIVER and TURNLOG_TOKEN say where to."""
import gzip, hashlib, json, os, sys, time, urllib.error, urllib.request, uuid

RECEIVER, TOKEN = os.environ.get("TURNLOG_RECEIVER", "http://127.0.0.1:4320"), os.environ["TURNLOG_TOKEN"]


def post(path, body, content_type):
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": content_type, "content-encoding": "gzip"}
    for attempt in range(6):  # The same bytes again: what has landed is a duplicate then, and harmless.
        try:
            with urllib.request.urlopen(urllib.request.Request(RECEIVER + path, gzip.compress(body), headers), timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 502, 503, 504):
                sys.exit(f"{error.code}: {error.read().decode()}")
            time.sleep(int(error.headers.get("retry-after", 2**attempt)))
        except OSError:
            time.sleep(2**attempt)
    sys.exit("The receiver does not answer.")


def attach(content):  # For what is larger than a few megabytes.
    digest = hashlib.sha256(content).hexdigest()
    return {"ref": post(f"/api/v1/attachments?sha256={digest}", content, "application/octet-stream")["ref"]}


def send(*events):
    stamped = [{"eventId": str(uuid.uuid4()), "timestamp": time.time() * 1000, **event} for event in events]
    answer = post("/api/v1/events", json.dumps(stamped).encode(), "application/json")
    for result in filter(lambda result: result["status"] == "rejected", answer["results"]):
        print(f"{stamped[result['index']]['type']}: {result['reason']}", file=sys.stderr)
    return answer


if __name__ == "__main__":
    session, turn, call, operation = (str(uuid.uuid4()) for _ in range(4))
    ids = {"sessionId": session, "turnId": turn, "appName": "plain-client"}
    send({"type": "SessionStart", "sessionId": session, "appName": "plain-client", "os": sys.platform, "appVersion": "1"})
    send({**ids, "type": "ToolCall", "toolCallId": call, "toolName": "write_file", "args": {"path": "hello.txt"}, "result": "ok", "durationMs": 3},
         {**ids, "type": "FileOperation", "toolCallId": call, "opId": operation, "opType": "create", "path": "hello.txt", "afterContent": "hello\n", "locAdded": 1, "locRemoved": 0})
    answer = send({**ids, "type": "ChatTurn", "userPrompt": "write a greeting to hello.txt", "assistantFinal": attach("Done. 👋".encode()), "model": "none", "latencyMs": 40},
                  {**ids, "type": "ChangeDecision", "opId": operation, "decision": "accept"})
    print(f"{RECEIVER}/turns/{answer['results'][0]['traceId']}")
