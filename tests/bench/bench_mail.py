"""Mail reading beside the libraries people use, over the same labelled real mail in the same run; prints the table.

Run by hand: `make bench ARGS=mail`, with `BREAKWATER_DATA` set; `ARGS="mail --misses develop"` names what is misread
in one half. Libraries that are not installed are left out: `pip install -e '.[bench]'`.
"""

import email
import email.policy
import importlib
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from anymail.inbound import AnymailInboundMessage

from tests.tickets.mail.figures import Record, half_of, judged, labelled, wilson
from tests.tickets.mail.hazards import HAZARDS
from tickets.mail import outline

OURS = "breakwater"
SLOW = 1.0  # seconds of processor time for one message
# The goals, as shares: what each measure must reach.
GOALS = {
    "read, under 1 s": 1.0,
    "hazards read, under 1 s": 1.0,
    "subject": 0.98,
    "from address": 0.98,
    "from name": None,
    "attachments": 0.95,
    "text": None,
    "text contains": None,
    "visible reply": 0.8,
    "visible reply not empty": 1.0,
    "bounce recall": 0.99,
    "bounce specificity": 0.99,
    "complaint recall": None,
    "complaint specificity": None,
    "automatic reply recall": 0.9,
    "automatic reply specificity": 0.99,
}
Reader = Callable[[bytes], Record]
Met = dict[tuple[str, str, str], list[bool]]


def standard_library(raw: bytes) -> Record:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    senders = message["from"].addresses if message["from"] else ()
    files = list(message.iter_attachments())
    for file in files:
        file.get_content()
    body = message.get_body(("plain", "html"))
    return {
        "subject": str(message["subject"] or ""),
        "from_email": senders[0].addr_spec if senders else "",
        "from_name": senders[0].display_name if senders else "",
        "attachments": [file.get_filename() for file in files],
        "text": body.get_content() if body else "",
    }


def anymail(raw: bytes) -> Record:
    message = AnymailInboundMessage.parse_raw_mime_bytes(raw)
    return {
        "subject": message.subject or "",
        "from_email": message.from_email.addr_spec if message.from_email else "",
        "from_name": message.from_email.display_name if message.from_email else "",
        "attachments": [file.get_filename() for file in message.attachments if file.get_content_bytes() is not None],
        "text": message.text or "",
    }


def mail_parser(raw: bytes) -> Record:
    message = importlib.import_module("mailparser").parse_from_bytes(raw)
    name, address = message.from_[0] if message.from_ else ("", "")
    return {
        "subject": message.subject,
        "from_email": address,
        "from_name": name,
        "attachments": [file["filename"] for file in message.attachments],
        "text": "\n".join(message.text_plain),
    }


def flufl_bounce(raw: bytes) -> Record:
    passing, lasting = importlib.import_module("flufl.bounce").all_failures(email.message_from_bytes(raw))
    return {"is_bounce": bool(passing or lasting)}


def only_auto_submitted(raw: bytes) -> Record:
    """What a reader knows that looks at the header of RFC 3834 alone."""
    said = str(email.message_from_bytes(raw).get("Auto-Submitted", "no"))
    return {"is_auto_reply": said.strip().lower().startswith("auto-replied")}


def email_reply_parser(raw: bytes) -> Record:
    text = raw.decode("utf-8", "replace")
    return {"text": text, "reply": importlib.import_module("email_reply_parser").EmailReplyParser.parse_reply(text)}


def mail_parser_reply(raw: bytes) -> Record:
    languages = ["en", "de", "da", "es", "fr", "it", "ja", "ko", "nl", "pl", "sv", "cs", "zh"]
    parser = importlib.import_module("mailparser_reply").EmailReplyParser(languages=languages)
    text = raw.decode("utf-8", "replace")
    return {"text": text, "reply": parser.parse_reply(text=text) or ""}


def quotequail(raw: bytes) -> Record:
    text = raw.decode("utf-8", "replace")
    found = importlib.import_module("quotequail").unwrap(text)
    return {"text": text, "reply": (found or {}).get("text_top") or ("" if found else text)}


def talon(raw: bytes) -> Record:
    text = raw.decode("utf-8", "replace")
    reply = importlib.import_module("talon.quotations").extract_from_plain(text)
    return {"text": text, "reply": importlib.import_module("talon.signature.bruteforce").extract_signature(reply)[0]}


MESSAGES: dict[str, tuple[Reader, str]] = {
    OURS: (outline.of_message, "tickets"),
    "standard library": (standard_library, "email"),
    "django-anymail": (anymail, "anymail"),
    "mail-parser": (mail_parser, "mailparser"),
    "flufl.bounce": (flufl_bounce, "flufl.bounce"),
    "Auto-Submitted alone": (only_auto_submitted, "email"),
}
BODIES: dict[str, tuple[Reader, str]] = {
    OURS: (outline.of_body, "tickets"),
    "email-reply-parser": (email_reply_parser, "email_reply_parser"),
    "mail-parser-reply": (mail_parser_reply, "mailparser_reply"),
    "quotequail": (quotequail, "quotequail"),
    "talon": (talon, "talon"),
}


def installed(readers: dict[str, tuple[Reader, str]]) -> dict[str, Reader]:
    found = {}
    for name, (reader, module) in readers.items():
        try:
            importlib.import_module(module)
        except ImportError:
            print(f"{name} is not installed: pip install -e '.[bench]'", file=sys.stderr)
        else:
            found[name] = reader
    return found


def timed(reader: Reader, raw: bytes) -> tuple[Record | None, bool]:
    """The record, None where the reader raised, and whether it read in time."""
    began = time.process_time()
    try:
        record = reader(raw)
    except Exception:  # whatever a library raises counts against it
        return None, False
    return record, time.process_time() - began < SLOW


def measured(folder: Path, misses: str) -> Met:
    """Whether each reader met each measure, file by file, in each half."""
    met: Met = defaultdict(list)
    messages, bodies = installed(MESSAGES), installed(BODIES)
    for labels, raw in labelled(folder):
        half = half_of(labels["file"])
        readers = bodies if labels["kind"] == "body" else messages
        for name, reader in readers.items():
            record, in_time = timed(reader, raw)
            met["read, under 1 s", name, half].append(in_time)
            # A reader that raises knows nothing of this file: every measure it has elsewhere is missed.
            for measure, right in judged(labels, record if record is not None else blank(name)):
                met[measure, name, half].append(right and record is not None)
                if name == OURS and misses == half and not right:
                    print(f"missed: {measure:28} {labels['file']}")
    for raw in HAZARDS.values():
        for name, reader in messages.items():
            met["hazards read, under 1 s", name, "both"].append(timed(reader, raw)[1])
    return met


def blank(name: str) -> Record:
    """What a reader that raised would have had to say."""
    if name in BODIES and name != OURS:
        return {"text": "x", "reply": ""}
    keys = {"flufl.bounce": ["is_bounce"], "Auto-Submitted alone": ["is_auto_reply"]}
    return {key: None if key.startswith("is_") else "" for key in keys.get(name, SAID)} | {"text": ""}


SAID = ["subject", "from_email", "from_name", "attachments"]


def row(measure: str, reader: str, outcomes: list[bool]) -> str:
    right, n = sum(outcomes), len(outcomes)
    low, high = wilson(right, n)
    return f"{measure:28} {reader:22} {right:4}/{n:<4} {right / n:6.1%}  [{low:6.1%}, {high:6.1%}]"


def table(met: Met) -> None:
    names = list(dict.fromkeys([*MESSAGES, *BODIES]))
    for measure, goal in GOALS.items():
        for name in names:
            by_half = {half: met[measure, name, half] for half in ("develop", "judge", "both")}
            outcomes = [one for found in by_half.values() for one in found]
            if not outcomes:
                continue
            line = row(measure, name, outcomes)
            if name == OURS and by_half["judge"]:
                shares = "  ".join(f"{half} {sum(by_half[half])}/{len(by_half[half])}" for half in ("develop", "judge"))
                line += f"  {shares}"
            if name == OURS and goal is not None:
                line += f"  goal {goal:.0%} {'reached' if sum(outcomes) / len(outcomes) >= goal else 'MISSED'}"
            print(line)


def main(*arguments: str) -> None:
    folder = os.environ.get("BREAKWATER_DATA", "")
    if not folder:
        sys.exit("set BREAKWATER_DATA to the folder of real data")
    misses = arguments[arguments.index("--misses") + 1] if "--misses" in arguments else ""
    table(measured(Path(folder), misses))
