"""The grammar of TwiML sees what is wrong with a document: each fault is planted."""

import pytest
from twilio.twiml.voice_response import Dial, Gather, VoiceResponse

from voice.simulator import grammar


def test_what_the_sdk_builds_is_right():
    document = VoiceResponse()
    keys = Gather(num_digits=1, action="/voice/main/menu/1/", timeout=6, action_on_empty_result=True)
    keys.say("Press one.", language="de-DE", voice="Polly.Vicki", loop=2)
    keys.pause(length=1)
    keys.play("https://example.com/a.mp3")
    document.append(keys)
    ring = Dial(timeout=20, caller_id="+12025550199", action="/voice/main/rung/1/", answer_on_bridge=True)
    ring.number("+12015550123", url="/voice/callback/1/whisper/", status_callback_event="answered completed")
    document.append(ring)
    document.record(max_length=120, play_beep=True, recording_status_callback="/voice/main/recording/1/")
    document.redirect("/voice/main/answer/", method="POST")
    document.hangup()
    assert grammar.faults(str(document)) == ()


@pytest.mark.parametrize(
    ("inside", "words"),
    [
        ("<Shout>Fire</Shout>", "<Shout> in <Response>"),
        ("<say>Hello</say>", "<say> in <Response>"),
        ("<Hangup><Say>Bye</Say></Hangup>", "<Say> in <Hangup>"),
        ("<Gather action='/a/'><Dial>+1</Dial></Gather>", "<Dial> in <Gather>"),
        ("<Say colour='red'>Hello</Say>", "Say has no attribute colour"),
        ("<Dial><Number whisper='/a/'>+1</Number></Dial>", "Number has no attribute whisper"),
        ("<Gather numDigits='1'><Say>Press one.</Say></Gather>", "without an action"),
        ("<Say> </Say>", "an empty Say"),
        ("<Play/>", "an empty Play"),
        (f"<Say>{'a' * 4097}</Say>", "more than 4096"),
    ],
)
def test_a_wrong_document_is_seen(inside, words):
    faults = grammar.faults(f"<Response>{inside}</Response>")
    assert any(words in fault for fault in faults), faults


def test_another_root_is_seen():
    assert grammar.faults("<Answer/>") == ("the root is Answer",)


@pytest.mark.parametrize("document", ["<Response>", "", b"\xff"])
def test_what_is_no_xml_is_a_fault(document):
    assert grammar.faults(document)[0].startswith("no XML")
