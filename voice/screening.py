"""Whoever is rung takes the call with a key: a mailbox that answers presses none, and no caller is left to it. Pure.

As https://www.twilio.com/docs/voice/twiml/number describes `url`: its document is played to who answers, before the
parties are connected; where it ends they are, and `<Hangup>` declines. Whether other phones ring on meanwhile is not
said there; in either case a caller who was not taken goes on to a callback or a message.
"""

from collections.abc import Mapping

from twilio.twiml.voice_response import VoiceResponse

from voice import twiml

TAKES = "1"
ANSWERED = ("completed", "answered")
# Told of somebody who answered and did not take the call.
NOT_TAKEN = "not-taken"


def ask(line: str, name: str, language: str) -> VoiceResponse:
    """Says which line (key, name) is called and waits for a key."""
    response = VoiceResponse()
    collector = twiml.gather(response, f"/voice/{line}/screen/key/")
    twiml.say(collector, "screen", language, line=name)
    return response


def pressed(keys: str) -> VoiceResponse:
    """With the right key the document ends, and so the two are connected; else this phone is hung up."""
    response = VoiceResponse()
    if keys != TAKES:
        response.hangup()
    return response


def outcome(params: Mapping[str, str]) -> str:
    """How ringing ended, in Twilio's words or NOT_TAKEN: a phone that was answered counts as `completed` there, whether
    or not the caller was ever connected to it (`DialBridged`)."""
    status = params.get("DialCallStatus", "")
    return NOT_TAKEN if status in ANSWERED and params.get("DialBridged") == "false" else status
