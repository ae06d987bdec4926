"""Whether a TwiML document is one that Twilio takes: which verbs nest where and which attributes they have.

Derived from the SDK's own classes: a verb's methods name what may stand in it, their parameters its attributes.
"""

import inspect
import re
from xml.etree import ElementTree

from twilio.twiml import voice_response

CLASSES = {
    name: cls
    for name, cls in inspect.getmembers(voice_response, inspect.isclass)
    if issubclass(cls, voice_response.TwiML)
}

# Bytes that Twilio speaks in one Say (https://www.twilio.com/docs/voice/twiml/say).
LONGEST_SAY = 4096


def _camel(name: str) -> str:
    head, *rest = name.rstrip("_").split("_")
    return head + "".join(part.title() for part in rest)


def _class_of(tag: str):
    return CLASSES["VoiceResponse" if tag == "Response" else tag]


def children_of(tag: str) -> set[str]:
    cls = _class_of(tag)
    methods = {name for name, value in vars(cls).items() if callable(value) and not name.startswith("_")}
    return {re.sub(r"(^|_)([a-z])", lambda m: m[2].upper(), name.rstrip("_")) for name in methods}


def attributes_of(parent: str, tag: str) -> set[str]:
    method = {_camel(name).lower(): value for name, value in vars(_class_of(parent)).items() if callable(value)}
    function = method.get(tag.lower())
    names = inspect.signature(function).parameters if function else {}
    own = inspect.signature(CLASSES[tag].__init__).parameters if tag in CLASSES else {}
    text = inspect.getsource(function) if function else ""
    return {_camel(name) for name in [*names, *own, *re.findall(r"(\w+)=\w+,", text)] if name not in ("self", "kwargs")}


def faults(document: str | bytes) -> list[str]:
    """What is wrong with a document; empty if nothing is."""
    root = ElementTree.fromstring(document)
    found = [] if root.tag == "Response" else [f"the root is {root.tag}"]
    waiting = [root]
    while waiting:
        parent = waiting.pop()
        for child in parent:
            if child.tag not in children_of(parent.tag):
                found.append(f"<{child.tag}> in <{parent.tag}>")
                continue
            unknown = set(child.attrib) - attributes_of(parent.tag, child.tag)
            found += [f"{child.tag} has no attribute {name}" for name in sorted(unknown)]
            if child.tag == "Gather" and not child.get("action"):
                found.append("a Gather without an action posts to its own address for ever")
            if child.tag in ("Say", "Play") and not "".join(child.itertext()).strip():
                found.append(f"an empty {child.tag}")
            if child.tag == "Say" and len("".join(child.itertext()).encode()) > LONGEST_SAY:
                found.append(f"a Say of more than {LONGEST_SAY} bytes")
            waiting.append(child)
    return found
