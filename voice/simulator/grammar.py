"""Whether a TwiML document is one that Twilio takes: which verbs nest where and which attributes they have. Pure.

Derived from the SDK's own classes: a verb's methods name what may stand in it, their parameters its attributes.
"""

import inspect
import re
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from twilio.twiml import voice_response

CLASSES: dict[str, Any] = {
    name: cls
    for name, cls in inspect.getmembers(voice_response, inspect.isclass)
    if issubclass(cls, voice_response.TwiML)
}

# Bytes that Twilio speaks in one Say (https://www.twilio.com/docs/voice/twiml/say).
LONGEST_SAY = 4096


@lru_cache(maxsize=1000)
def faults(document: str | bytes) -> tuple[str, ...]:
    """What is wrong with a document; empty if nothing is. Kept, since in a flood nearly all get the same."""
    try:
        root = ElementTree.fromstring(document)  # noqa: S314  our own answer
    except ElementTree.ParseError as error:
        return (f"no XML: {error}",)
    found = [] if root.tag == "Response" else [f"the root is {root.tag}"]
    waiting = [root] if root.tag in {"Response", *CLASSES} else []
    while waiting:
        parent = waiting.pop()
        for child in parent:
            if child.tag not in children_of(parent.tag):
                found.append(f"<{child.tag}> in <{parent.tag}>")
                continue
            found += _faults_of(parent.tag, child)
            waiting.append(child)
    return tuple(found)


def _faults_of(parent: str, verb: Element) -> list[str]:
    unknown = set(verb.attrib) - attributes_of(parent, verb.tag)
    found = [f"{verb.tag} has no attribute {name}" for name in sorted(unknown)]
    words = "".join(verb.itertext())
    if verb.tag == "Gather" and not verb.get("action"):
        found.append("a Gather without an action posts to its own address for ever")
    if verb.tag in ("Say", "Play") and not words.strip():
        found.append(f"an empty {verb.tag}")
    if verb.tag == "Say" and len(words.encode()) > LONGEST_SAY:
        found.append(f"a Say of more than {LONGEST_SAY} bytes")
    return found


@lru_cache(maxsize=200)
def children_of(tag: str) -> frozenset[str]:
    """What may stand in a verb."""
    methods = {name for name, value in vars(_class_of(tag)).items() if callable(value) and not name.startswith("_")}
    return frozenset(re.sub(r"(^|_)([a-z])", lambda m: m[2].upper(), name.rstrip("_")) for name in methods)


@lru_cache(maxsize=500)
def attributes_of(parent: str, tag: str) -> frozenset[str]:
    """The attributes that a verb may have where it stands in `parent`."""
    method = {_camel(name).lower(): value for name, value in vars(_class_of(parent)).items() if callable(value)}
    function = method.get(tag.lower())
    names = inspect.signature(function).parameters if function else {}
    own = inspect.signature(CLASSES[tag].__init__).parameters if tag in CLASSES else {}
    text = inspect.getsource(function) if function else ""
    known = [*names, *own, *re.findall(r"(\w+)=\w+,", text)]
    return frozenset(_camel(name) for name in known if name not in ("self", "kwargs"))


def _camel(name: str) -> str:
    head, *rest = name.rstrip("_").split("_")
    return head + "".join(part.title() for part in rest)


def _class_of(tag: str) -> Any:
    return CLASSES["VoiceResponse" if tag == "Response" else tag]
