"""How our numbers should be set up at Twilio, how they are, and setting them: the old set-up is kept before."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse

from tickets import audit
from tickets.work import TransportError
from voice import fallback
from voice.models import Line, NumberSetup
from voice.twilio_client import Telephone

# What each part of a set-up is called, and what callers notice where it is wrong.
PARTS = {
    "voice_url": ("calls", "calls do not reach us"),
    "voice_method": ("how calls are fetched", "calls may not reach us"),
    "voice_fallback_url": ("the fallback", "callers hear “an application error has occurred” when we do not answer"),
    "voice_fallback_method": ("how the fallback is fetched", "many static hosts refuse a POST: the fallback is silent"),
    "status_callback": ("how calls end", "we learn minutes later that a call is over"),
    "sms_url": ("text messages", "texts do not become tickets"),
}


def wanted(key: str) -> dict[str, str]:
    """The set-up of a line's number, as the SDK names its parts; nothing of the fallback where there is none."""
    own = {
        "voice_url": settings.PUBLIC_URL + reverse("voice_answer", args=[key]),
        "voice_method": "POST",
        "status_callback": settings.PUBLIC_URL + reverse("voice_status", args=[key]),
        "sms_url": settings.PUBLIC_URL + reverse("text"),
    }
    behind = fallback.url_of(key)
    return own | ({"voice_fallback_url": behind, "voice_fallback_method": "GET"} if behind else {})


def drift(found: Mapping[str, Any], should: Mapping[str, str]) -> dict[str, str]:
    """Pure: part → what it is, where it is not what it should be. A fragment only tunes time-outs and is no drift."""
    return {
        part: str(found.get(part) or "")
        for part, value in should.items()
        if str(found.get(part) or "").partition("#")[0] != value
    }


def mend(line: Line, telephone: Telephone, by: Any = None) -> dict[str, str]:
    """Sets a number up as it should be. Returns what was changed, as it was.

    The whole set-up is kept first and read back after; TransportError where Twilio does not do it, or did not keep it.
    """
    found = telephone.number(line.number)
    if found is None:
        raise TransportError("the account has no such number", permanent=True)
    if found["voice_application_sid"] or found["trunk_sid"]:
        raise TransportError("an application or a trunk answers it: take that off in Twilio's console", permanent=True)
    should = wanted(line.key)
    was = drift(found, should)
    if not was:
        return {}
    NumberSetup.objects.create(line=line, settings=dict(found))
    audit.record(by, "number.mend", line.key, was=was)
    telephone.update_number(found["sid"], **{part: should[part] for part in was})
    left = drift(telephone.number(line.number) or {}, should)
    if left:
        raise TransportError(f"Twilio did not keep it: {', '.join(sorted(left))}", permanent=True)
    return was
