"""A document is played verb by verb, with Twilio's defaults."""

import pytest

from voice.simulator.documents import NotTwiml, Wait, perform, read, words


def play(inside, cursor=0):
    return perform(read("text/xml", f"<Response>{inside}</Response>"), cursor)


@pytest.mark.parametrize(
    ("inside", "wait"),
    [
        ("<Gather action='/k/'/>", Wait("keys", "/k/", "POST", 5, finish="#")),
        ("<Gather/>", Wait("keys", "", "POST", 5, finish="#")),
        (
            "<Gather action='/k/' method='GET' timeout='6' numDigits='1' actionOnEmptyResult='true' finishOnKey=''/>",
            Wait("keys", "/k/", "GET", 6, 1, tells_nothing=True),
        ),
        ("<Record action='/r/'/>", Wait("recording", "/r/", "POST", 5, finish="1234567890*#")),
        (
            "<Record action='/r/' timeout='9' finishOnKey='#' recordingStatusCallback='/told/'/>",
            Wait("recording", "/r/", "POST", 9, finish="#", recorded="/told/"),
        ),
        ("<Dial>+12025550111</Dial>", Wait("ringing", "", "POST", 30, phones=("+12025550111",), screens=("",))),
        (
            "<Dial action='/d/' timeout='20'><Number url='/s/'>+1</Number><Number>+2</Number></Dial>",
            Wait("ringing", "/d/", "POST", 20, phones=("+1", "+2"), screens=("/s/", "")),
        ),
        ("<Redirect method='GET'> /x/ </Redirect>", Wait("redirect", "/x/", "GET")),
        ("<Hangup/><Say>Never.</Say>", Wait(hung_up=True)),
        ("<Reject/>", Wait(reason="no-answer")),
        ("<Reject reason='busy'/>", Wait(reason="busy")),
        ("", Wait()),
        ("<Gather timeout='soon'/>", Wait("keys", "", "POST", 5, finish="#")),
    ],
)
def test_what_a_verb_waits_for(inside, wait):
    assert play(f"<Say>Hello.</Say>{inside}").wait == wait


def test_what_is_said_in_a_menu_is_heard_in_order():
    scene = play(
        "<Say>One.</Say><Play>/a.mp3</Play><Gather action='/k/'><Say language='de-DE'>Zwei\n drücken.</Say>"
        "<Pause length='2'/><Play>b.mp3</Play></Gather><Say>Later.</Say>"
    )
    assert [(one.kind, one.text, one.language) for one in scene.heard] == [
        ("say", "One.", ""), ("play", "/a.mp3", ""), ("say", "Zwei drücken.", "de-DE"),
        ("note", "Silence for 2 s.", ""), ("play", "b.mp3", ""),
    ]  # fmt: skip


def test_it_goes_on_after_the_verb_that_nothing_came_of():
    inside = "<Gather action='/k/'><Say>One.</Say></Gather><Say>Two.</Say><Record/><Say>Three.</Say>"
    places = [0]
    heard = []
    while (scene := play(inside, places[-1])).wait.what != "end":
        places.append(scene.cursor)
        heard.append([one.text for one in scene.heard if one.kind == "say"])
    heard.append([one.text for one in scene.heard if one.kind == "say"])
    assert (places, heard) == ([0, 1, 3], [["One."], ["Two."], ["Three."]])


def test_a_longer_document_takes_longer():
    assert play("<Say>a b c</Say><Pause length='7'/>").seconds == play("<Say>a b c</Say>").seconds + 7


def test_a_verb_that_is_not_played_is_noted_and_passed():
    scene = play("<Enqueue>all</Enqueue><Say>Hello.</Say>")
    assert "<Enqueue> is not played" in scene.heard[0].text
    assert scene.heard[1].text == "Hello."


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("text/xml", "", 12100),
        ("text/xml", "an error", 12100),
        ("text/html", "<html></html>", 12102),
        ("text/xml", " <?xml version='1.0'?><Response/>", 12100),
        ("text/xml", f"<Response><Say>{'é' * 32_000}</Say></Response>", 11750),
        ("application/xml; charset=utf-8", "<Response><Say></Response>", 12100),
        ("application/json", "{}", 12300),
        ("", "<Response/>", 11200),
    ],
)
def test_what_cannot_be_played_has_twilios_number(content_type, body, code):
    with pytest.raises(NotTwiml) as error:
        read(content_type, body)
    assert error.value.code == code


def test_plain_text_is_said_and_sound_is_played():
    assert words(read("text/plain; charset=utf-8", "Hello\nthere.\n")) == "Hello there."
    assert words(read("audio/mpeg", "", "https://x.example/a.mp3")) == "https://x.example/a.mp3"
