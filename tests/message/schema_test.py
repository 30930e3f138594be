#!/usr/bin/env python3
"""docs/message.schema.json against the golden messages: every one is valid, and each damage below is not.

Also: whatever the schema calls required or enumerates is what the golden values and the format page say.
"""
import copy
import json
import pathlib
import sys

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = HERE.parent.parent / "docs" / "message.schema.json"
REMOVED = object()

# Where in the full golden message, and what stands there instead.
DAMAGES = [
    (["v"], 2), (["v"], "1"), (["id"], "3F2A9C015BE7D84690C1E2F304A5B6C7"), (["id"], "0" * 32), (["id"], "1" * 31),
    (["tenant"], ""), (["tenant"], None), (["connector"], "x" * 1025), (["channel"], 7), (["provider_message_id"], None),
    (["thread"], []), (["thread", "in_reply_to"], "x"), (["thread", "references", 0], 1), (["thread", "token"], "x"),
    (["thread", "key"], 1), (["from"], None), (["from", "identities"], REMOVED), (["from", "identities", 0, "kind"], ""),
    (["from", "identities", 0, "value"], REMOVED), (["from", "identities", 0, "verified"], "yes"),
    (["from", "verification"], {"result": "good"}), (["from", "verification"], {"result": "pass", "method": "arc"}),
    (["from", "verification"], {}), (["from", "verification"], {"result": "pass", "domain": 7}), (["from", "verification"], None),
    (["to"], None), (["to", 0], "a@b.c"), (["cc", 0, "value"], ""), (["reply_to"], {}), (["delivered_to", 0, "kind"], REMOVED),
    (["sent_at"], 1), (["sent_at"], "yesterday"), (["received_at"], None), (["received_at"], "2026-11-21 18:58:03Z"),
    (["subject"], None), (["subject"], "x" * 1025), (["text"], "x" * 262145), (["text_new"], 1), (["html_ref"], 1),
    (["attachments", 0, "size"], -1), (["attachments", 0, "size"], 10485761), (["attachments", 0, "sha256"], "A" * 64),
    (["attachments", 0, "name"], REMOVED), (["attachments", 0, "inline"], 1), (["parts"], [1]), (["automated"], "robot"),
    (["language"], "EN"), (["language"], "en-"), (["labels"], ["x"] * 257), (["labels"], [None]), (["raw_ref"], False),
    (["v"], REMOVED), (["id"], REMOVED), (["tenant"], REMOVED), (["connector"], REMOVED), (["channel"], REMOVED),
    (["provider_message_id"], REMOVED), (["from"], REMOVED), (["received_at"], REMOVED),
]


def damaged(message, place, value):
    """A copy of the message with one place changed or taken away."""
    message = copy.deepcopy(message)
    inner = message
    for step in place[:-1]:
        inner = inner[step]
    if value is REMOVED:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return message


def main():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    failures = []

    goldens = sorted((HERE / "golden").glob("message-*.json"))
    if len(goldens) < 4:
        failures.append(f"only {len(goldens)} golden messages found")
    for path in goldens:
        message = json.loads(path.read_text(encoding="utf-8"))
        failures += [f"{path.name}: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(message)]

    full = json.loads((HERE / "golden" / "message-full.json").read_text(encoding="utf-8"))
    for place, value in DAMAGES:
        if validator.is_valid(damaged(full, place, value)):
            failures.append(f"the schema takes a message with a wrong {place}")
    for name in full:
        if name not in schema["properties"]:
            failures.append(f"the schema does not know the member {name}")
    for name in schema["properties"]:
        optional = name not in schema["required"]
        if optional and not validator.is_valid(damaged(full, [name], REMOVED)):
            failures.append(f"the schema demands {name}, which is not in its list")

    for failure in failures:
        print(failure)
    print(f"{len(goldens)} golden messages, {len(DAMAGES)} damages, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
