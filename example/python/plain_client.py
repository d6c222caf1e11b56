"""One turn as plain events, with the standard library alone: TURNLOG_TOKEN=tlt_… python3 plain_client.py"""
import gzip, json, os, sys, time, urllib.error, urllib.request, uuid

RECEIVER = os.environ.get("TURNLOG_RECEIVER", "http://127.0.0.1:4320")
HEADERS = {"authorization": "Bearer " + os.environ["TURNLOG_TOKEN"], "content-type": "application/json", "content-encoding": "gzip"}


def send(*events):
    stamped = [{"eventId": str(uuid.uuid4()), "timestamp": time.time() * 1000, **event} for event in events]
    request = urllib.request.Request(RECEIVER + "/api/v1/events", gzip.compress(json.dumps(stamped).encode()), HEADERS)
    for attempt in range(6):  # Sends the same bytes again: events that have landed become harmless duplicates.
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["results"]  # For each event: landed, duplicate, or rejected with a reason.
        except urllib.error.HTTPError as error:
            if error.code not in (429, 502, 503, 504):
                sys.exit(f"{error.code}: {error.read().decode()}")
            time.sleep(int(error.headers.get("retry-after", 2**attempt)))
        except OSError:
            time.sleep(2**attempt)
    sys.exit("The receiver does not answer: keep the events, and send them later.")


if __name__ == "__main__":
    session, turn, call, operation = (str(uuid.uuid4()) for _ in range(4))
    ids = {"sessionId": session, "turnId": turn, "appName": "plain-client"}
    send({"type": "SessionStart", "sessionId": session, "appName": "plain-client", "appVersion": "1", "os": sys.platform})
    send({**ids, "type": "ToolCall", "toolCallId": call, "toolName": "write_file", "args": {"path": "hello.txt"}, "result": "ok", "durationMs": 3},
         {**ids, "type": "FileOperation", "toolCallId": call, "opId": operation, "opType": "create", "path": "hello.txt", "afterContent": "hello\n"})
    results = send({**ids, "type": "ChatTurn", "userPrompt": "write a greeting to hello.txt", "assistantFinal": "Done. 👋", "latencyMs": 40},
                   {**ids, "type": "ChangeDecision", "opId": operation, "decision": "accept"})
    print(f"{RECEIVER}/turns/{results[0]['traceId']}")
