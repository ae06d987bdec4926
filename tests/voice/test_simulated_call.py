import pytest

from voice.simulated_call import NotTwiml, perform


def kinds(scene):
    return [heard.kind for heard in scene.heard]


def test_words_in_a_menu_are_heard_and_keys_awaited():
    scene = perform(
        '<Response><Gather action="/a/" numDigits="1"><Say language="en-GB">Press 1.</Say></Gather></Response>'
    )
    assert [(heard.text, heard.language) for heard in scene.heard] == [("Press 1.", "en-GB")]
    assert (scene.awaits, scene.action, scene.many_keys) == ("keys", "/a/", False)


def test_a_number_is_awaited_up_to_the_hash_key():
    assert perform('<Response><Gather action="/a/" finishOnKey="#"/></Response>').many_keys


@pytest.mark.parametrize(
    ("inner", "awaits"),
    [
        ('<Record action="/r/"/>', "recording"),
        ('<Dial action="/d/"><Number>+12025550111</Number></Dial>', "ringing"),
        ("<Redirect>/x/</Redirect>", "redirect"),
        ("<Hangup/>", "end"),
        ("", "end"),
    ],
)
def test_what_a_call_waits_for(inner, awaits):
    assert perform(f"<Response><Play>/a.mp3</Play>{inner}</Response>").awaits == awaits


def test_a_call_that_ends_says_so():
    assert kinds(perform("<Response><Say>Bye.</Say><Hangup/><Say>Never heard.</Say></Response>")) == ["say", "note"]


@pytest.mark.parametrize("answer", ["", "an error", "<html></html>"])
def test_what_is_no_twiml_is_named(answer):
    with pytest.raises(NotTwiml):
        perform(answer)
