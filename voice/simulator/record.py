"""How a simulated call is shown: what is heard, with its sound, and every request with what came back."""

import re
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

from django.conf import settings
from django.urls import reverse

from voice.simulator.documents import Heard
from voice.simulator.elsewhere import STORED
from voice.simulator.webhooks import Exchange

# Characters of an answer that are kept.
LONGEST_BODY = 6_000
_RECORDING = re.compile(r"/voice/audio/([0-9a-f]{64})")
# Where a PIN is told: it is neither kept in the session nor shown.
_SECRET = re.compile(r"/dial-in/pin/")
# What a request tells beside these is what matters of it.
ALWAYS = ("CallSid", "AccountSid", "From", "To", "Direction", "ApiVersion")


def shortened(exchange: Exchange) -> dict[str, Any]:
    """A request as plain data, its answer not longer than is worth keeping."""
    kept = {**asdict(exchange), "body": exchange.body[:LONGEST_BODY]}
    if secret(exchange.url) and "Digits" in exchange.params:
        kept["params"] = {**exchange.params, "Digits": "•" * len(exchange.params["Digits"])}
    return kept


def secret(address: str) -> bool:
    """Whether the keys that are told there are nobody's to see."""
    return _SECRET.search(address) is not None


def heard(one: Heard) -> dict[str, str]:
    """What is heard; of a recording, the address on this host where it can be played (empty: nowhere here)."""
    return {"kind": one.kind, "text": one.text, "language": one.language, "sound": _sound(one) if one.text else ""}


def _sound(one: Heard) -> str:
    """The fallback's recordings are named by their content, and so are ours: the same can be played here."""
    found = _RECORDING.search(one.text) if one.kind == "play" else None
    return reverse("voice_audio", args=[found[1]]) if found else ""


def shown(exchange: Exchange) -> dict[str, Any]:
    """A request in words."""
    told = exchange.params
    return {
        "method": exchange.method,
        "where": _where(exchange.url),
        "step": _step(exchange),
        "told": [(name, value) for name, value in told.items() if name not in ALWAYS],
        "always": [(name, told[name]) for name in ALWAYS if name in told],
        "status": exchange.status,
        "ms": round(exchange.seconds * 1000),
        "signed": _signed(exchange),
        "again": exchange.attempt,
        "token": exchange.token,
        "error": exchange.error,
        "why": exchange.why,
        "body": _pretty(exchange.body),
    }


def _where(url: str) -> str:
    """The path at our own door; elsewhere the whole address."""
    if url.startswith(STORED):
        return f"fallback storage: {url.removeprefix(STORED)}"
    return url.removeprefix(settings.PUBLIC_URL) or "/"


def _step(exchange: Exchange) -> str:
    """What the request tells most of all."""
    for name in ("ErrorCode", "Digits", "DialCallStatus", "RecordingDuration"):
        if name in exchange.params:
            return f"{name} {exchange.params[name] or 'none'}"
    return f"CallStatus {exchange.params.get('CallStatus', '')}"


def _signed(exchange: Exchange) -> str:
    """Whether the signature was taken; a static host asks for none."""
    if not exchange.url.startswith(settings.PUBLIC_URL) or not exchange.status:
        return ""
    return "refused" if exchange.status == 403 else "accepted"


def _pretty(body: str) -> str:
    try:
        root = ElementTree.fromstring(body)  # noqa: S314  our own answer
    except ElementTree.ParseError:
        return body
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode")
