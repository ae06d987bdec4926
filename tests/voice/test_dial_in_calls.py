"""A manager switches lines from a phone, played through the real webhooks by the simulator's engine."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.house import person, problem
from tests.voice import telephone_service
from tests.voice.conftest import NOON_IN_NEW_JERSEY, Caller
from tests.voice.noises import wav
from tickets import intake
from tickets.models import Arrival, AuditEntry, Entry, Ticket
from voice import dial_in, dial_in_calls, lines, listeners, orders, pins, reconcile, sounds
from voice.models import Announcement, Line, PinAttempt
from voice.plan import PLAN

pytestmark = pytest.mark.django_db

PIN, MINE = "480917", "+12015550177"
OFFER = "To announce something, press 1."


@pytest.fixture
def maya(line):
    manager = person("manager", "Maya Okafor")
    pins.keep(manager, [MINE], PIN)
    line.incident_text = {"en": "We know of it.", "de": "Wir wissen davon."}
    line.save()
    PLAN.refresh()
    return manager


@pytest.fixture
def call(client, maya):
    """Maya on the phone."""
    return Caller(client, number=MINE)


@pytest.fixture
def spoken(twilio, settings):
    """What Maya speaks lies at Twilio, whatever it is named."""

    class Files(dict):
        def get(self, path, default=None):
            return ("audio/wav", self["spoken"]) if path.endswith(".wav") and "spoken" in self else default

    twilio.files = Files(spoken=wav(3))
    return twilio


def second(**values) -> Line:
    made = Line.objects.create(key="uk", name="Britain", number="+442079460000", languages=["en"], **values)
    PLAN.refresh()
    return made


def got_in(call, pin=PIN):
    return call.dials().presses("*").presses(f"{pin}#")


def said_and_heard(call, tongue="1"):
    call = got_in(call).presses("1").presses(tongue)
    call.speak(9)
    return call._all_is_well()


def first_words(client):
    """What the next caller hears: a plan is compiled when a switch commits, which no test does."""
    PLAN.refresh()
    return Caller(client, sid="CA" + "9" * 32).dials().heard


def test_a_manager_speaks_listens_and_publishes_and_the_next_caller_hears_it(call, client, maya, line, spoken):
    got_in(call)
    assert call.heard == f"Nothing is announced now. {OFFER}"
    assert call.presses("1").heard == "To speak in English, press 1. To speak in German, press 2."
    assert call.presses("1").heard.startswith("Speak after the tone.")
    call.speak(9)
    digest = sounds.take(wav(3))
    assert f"/voice/audio/{digest}/" in call.heard
    assert not Announcement.objects.exists(), "nothing is switched by having spoken"
    assert call.presses("1").heard == "Done. The next caller of this line hears it. Goodbye."
    assert call.call.over
    made = Announcement.objects.get()
    assert (made.line, made.by, made.why) == (line, maya, "by phone from +1 201-555-0177")
    assert made.audio == {"en": digest}
    assert made.text == {"en": "We know of it.", "de": "Wir wissen davon."}, "where it cannot be played, and in German"
    told = AuditEntry.objects.get(action="lines.announce")
    assert (told.by, told.target, told.detail["why"]) == (maya, "main", made.why)
    PLAN.refresh()
    assert Caller(client, sid="CA" + "9" * 32).dials().document.find(".//Play").text == f"/voice/audio/{digest}/"


def test_it_is_fetched_as_what_was_recorded_and_with_our_credentials(call, spoken):
    said_and_heard(call)
    [asked] = [path for method, path, _ in spoken.requests if method == "GET"]
    recorded = next(one for one in call.call.log if "RecordingUrl" in one.params)
    assert recorded.params["RecordingUrl"].endswith(asked.removesuffix(".wav"))


@pytest.mark.parametrize("keys", [["1", "1"], ["1", "1", "speak"], ["9"], ["1", "1", "speak", "2", "speak"]])
def test_who_hangs_up_before_the_last_key_has_changed_nothing(call, client, maya, line, spoken, keys):
    lines.announce([line], {"en": "We are late."}, by=maya)
    PLAN.refresh()
    second()
    got_in(call)
    for key in keys:
        call.speak(5) if key == "speak" else call.presses(key)
    call.hang_up()
    assert first_words(client).startswith("We are late.")
    assert Announcement.objects.count() == 1


def test_who_hangs_up_while_speaking_has_changed_nothing(call, client, spoken):
    got_in(call).presses("1").presses("1").speak(4, hanging_up=True)
    assert not Announcement.objects.exists()
    assert call.call.over
    assert [path for method, path, _ in spoken.requests if method == "GET"] == []


def test_it_can_be_recorded_again_and_the_second_is_published(call, spoken):
    said_and_heard(call)
    spoken.files["spoken"] = wav(4)
    call.presses("2").speak(5)
    call.presses("1")
    assert Announcement.objects.get().audio == {"en": sounds.take(wav(4))}


def test_3_publishes_the_prepared_words(call, client, spoken):
    said_and_heard(call).presses("3")
    assert "Callers will hear this. We know of it. To publish it" in call.heard
    assert "press 3" not in call.heard
    call.presses("1")
    made = Announcement.objects.get()
    assert (made.text, made.audio) == ({"en": "We know of it.", "de": "Wir wissen davon."}, {})
    assert first_words(client).startswith("We know of it.")


def test_the_language_that_was_chosen_is_the_one_that_is_recorded(call, spoken):
    said_and_heard(call, "2").presses("1")
    assert Announcement.objects.get().audio == {"de": sounds.take(wav(3))}


def test_a_line_of_one_language_asks_for_none(call, line, spoken):
    line.languages = ["en"]
    line.save()
    PLAN.refresh()
    assert got_in(call).presses("1").heard.startswith("Speak after the tone.")


@pytest.mark.parametrize(
    ("group", "key", "offer", "switched"),
    [
        ("", "1", "For this line alone, press 2.", ["main", "uk"]),
        ("", "2", "For this line alone, press 2.", ["main"]),
        ("Europe", "1", "For the lines of the group Europe only, press 2.", ["de", "main", "uk"]),
        ("Europe", "2", "For the lines of the group Europe only, press 2.", ["de", "main"]),
    ],
)
def test_all_lines_or_those_near_this_one(call, line, spoken, group, key, offer, switched):
    second()
    if group:
        Line.objects.create(key="de", name="Germany", number="+493012345678", languages=["de"], group=group)
        line.group = group
        line.save()
        PLAN.refresh()
    said_and_heard(call).presses("1")
    assert offer in call.heard
    call.presses(key)
    assert sorted(Announcement.objects.values_list("line__key", flat=True)) == switched
    assert sorted(AuditEntry.objects.filter(action="lines.announce").values_list("target", flat=True)) == switched


def test_9_takes_down_what_is_announced(call, client, maya, line):
    lines.announce([line], {"en": "We are late."}, by=person("manager"))
    PLAN.refresh()
    assert got_in(call).heard.startswith("An announcement is on.")
    assert call.presses("9").heard == "Done. The announcement is taken down. Goodbye."
    assert first_words(client).startswith("Hello, this is Acme.")
    told = AuditEntry.objects.get(action="lines.clear")
    assert (told.by, told.detail["why"]) == (maya, "by phone from +1 201-555-0177")


def test_9_without_an_announcement_is_a_wrong_key(call):
    assert got_in(call).presses("9").heard == f"Nothing is announced now. {OFFER}"


def test_spoken_over_an_incidents_words_it_is_about_that_incident_and_ends_with_it(call, client, line, spoken):
    about, since = problem(), timezone.now() - timedelta(hours=1)
    lines.announce([line], {"en": "We know."}, problem=about, known_since=since)
    PLAN.refresh()
    said_and_heard(call).presses("1")
    newest = Announcement.objects.latest("pk")
    assert (newest.problem, newest.known_since) == (about, since)
    lines.clear(about)
    assert first_words(client).startswith("Hello, this is Acme.")


def test_a_manager_who_dialled_in_is_none_of_those_who_only_listened(call, client, line):
    about = problem()
    lines.announce([line], {"en": "We know."}, problem=about)
    PLAN.refresh()
    Caller(client, sid="CA" + "3" * 32).dials()
    got_in(call).hang_up()
    intake.understand_all()
    assert [row["caller"] for row in listeners.of(about)] == ["+12015550123"]
    assert not Ticket.objects.exists()


# ── Twilio has the recording a little later, or never ────────────────────────────────────────────────────────────────


def looks(monkeypatch, *, seconds: float):
    """How long one request waits for a recording: none at all is one look for each."""
    monkeypatch.setattr(orders, "FETCH", seconds)
    monkeypatch.setattr(orders, "PAUSE", 0.001)


def asked_again(call):
    """Requests for it after the first, which brought where it lies."""
    return sum("/dial-in/fetch/" in one.url for one in call.call.log)


def test_a_recording_that_is_not_there_yet_is_asked_for_until_it_is(call, spoken, monkeypatch):
    looks(monkeypatch, seconds=0)
    spoken.answers = [404] * (dial_in.FETCHES - 2)
    said_and_heard(call)
    assert "press 1" in call.heard
    assert asked_again(call) == dial_in.FETCHES - 2
    assert any("One moment" in one.body for one in call.call.log)


def test_a_recording_that_is_soon_there_is_waited_for(call, spoken, monkeypatch):
    looks(monkeypatch, seconds=60)
    spoken.answers = [404] * 9
    said_and_heard(call)
    assert "press 1" in call.heard
    assert asked_again(call) == 0


def test_a_recording_that_never_comes_leaves_the_prepared_words(call, spoken, monkeypatch):
    looks(monkeypatch, seconds=0)
    del spoken.files["spoken"]
    said_and_heard(call)
    assert call.heard.startswith("The recording did not reach us.")
    call.presses("1")
    assert not Announcement.objects.exists(), "1 is not offered there"
    call.presses("3").presses("1")
    assert Announcement.objects.get().audio == {}


@pytest.mark.parametrize("content", [wav(3, loud=0), wav(0.2), b"no sound"], ids=["silent", "short", "broken"])
def test_what_nobody_could_hear_is_asked_for_again(call, spoken, content):
    spoken.files["spoken"] = content
    said_and_heard(call)
    assert call.heard.startswith("Nothing could be heard of that. Speak after the tone.")
    spoken.files["spoken"] = wav(3)
    call.speak(3)
    call.presses("1")
    assert Announcement.objects.count() == 1


def test_who_says_nothing_is_asked_again_and_then_told_goodbye(call, spoken):
    got_in(call).presses("1").presses("1")
    for _ in range(dial_in.ATTEMPTS - 1):
        call.speak(0)
        assert "Nothing could be heard" in call.heard
        assert call.document.find("Record") is not None
    call.speak(0)
    assert call.call.over


def test_a_recording_that_was_swept_meanwhile_is_not_published(call, spoken):
    said_and_heard(call)
    for path in sounds.blobs.all_on(sounds.SHELF):
        path.unlink()
    assert call.presses("1").heard.startswith("The recording did not reach us.")
    assert not Announcement.objects.exists()


# ── who gets in ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_others_notice_nothing_of_it(client, maya, line):
    """Word for word what they heard before there was such a thing, and no query more."""
    someone = Caller(client).dials()
    with CaptureQueriesContext(connection) as with_it:
        starred = someone.presses("*")
    heard = starred.call.document
    other = Caller(client, sid="CA" + "2" * 32).dials().presses("7")
    assert heard == other.call.document
    pins.take_away(maya)
    PLAN.refresh()
    with CaptureQueriesContext(connection) as without:
        third = Caller(client, sid="CA" + "3" * 32).dials()
        before = len(without)
        third.presses("*")
    assert third.call.document == heard
    assert len(with_it) == len(without) - before
    assert not PinAttempt.objects.exists()


def test_a_withheld_number_is_asked_for_no_pin(client, maya):
    assert "PIN" not in Caller(client, number="anonymous").dials().presses("*").heard


def test_a_forged_number_alone_gets_nowhere(call, spoken):
    got_in(call, "739150")
    assert call.heard.startswith("That was not right. Please enter your PIN")
    call.presses("739151#").presses("739152#")
    assert call.call.over
    assert AuditEntry.objects.filter(action="dial_in.wrong").count() == 3
    assert not Announcement.objects.exists()


def test_a_locked_number_is_told_so_even_with_the_right_pin(call, client):
    for place in range(pins.OF_NUMBER):
        pins.check(MINE, "739150", sid="CA0", place=place, wanted=lambda: None)
    assert got_in(call).heard.startswith("No PIN is taken from this phone now")
    assert call.call.over
    assert AuditEntry.objects.filter(action="dial_in.refused").count() == 1


def test_the_address_of_another_call_or_of_long_ago_opens_nothing(call, client):
    got_in(call)
    address = call.document.find("Gather").get("action")
    other = Caller(client, number=MINE, sid="CA" + "5" * 32)
    assert other.post(address, Digits="1").heard.startswith("Hello, this is Acme.")
    forged = address.replace("/choose/", "/choose/x")
    assert call.post(forged, Digits="1").heard.startswith("Hello, this is Acme.")
    assert call.post(address, Digits="1").heard.startswith("To speak in English")


def test_a_pass_ends_with_its_time():
    held = dial_in.Pass(user=1, sid="CA1", at=int(NOON_IN_NEW_JERSEY.timestamp()))
    signed = dial_in._SIGNER.sign_object(dial_in.asdict(held))
    late = timedelta(seconds=dial_in.LIFETIME)
    assert dial_in.read_pass(signed, "CA1", NOON_IN_NEW_JERSEY + late) == held
    for sid, at in (("CA1", late + timedelta(seconds=1)), ("CA1", -late), ("CA2", late), ("", late)):
        with pytest.raises(dial_in.NoPass):
            dial_in.read_pass(signed, sid, NOON_IN_NEW_JERSEY + at)


@pytest.mark.parametrize("lost", ["role", "pin", "number"])
def test_who_may_no_longer_switch_when_the_last_key_is_pressed_switches_nothing(call, maya, spoken, lost):
    said_and_heard(call)
    if lost == "role":
        maya.groups.clear()
    elif lost == "pin":
        pins.take_away(maya)
    else:
        pins.keep(maya, ["+12015550166"])
    assert call.presses("1").heard == "You may not switch the lines any more. Nothing was changed."
    assert not Announcement.objects.exists()


def test_the_pin_stands_in_no_arrival_and_in_no_address(call, spoken):
    said_and_heard(call).presses("1")
    assert Arrival.objects.exists()
    assert not any(PIN in str(row) for row in Arrival.objects.values())
    assert not any(PIN in one.url or PIN in one.body for one in call.call.log)


def test_wrong_keys_are_asked_again_and_then_told_goodbye(call):
    got_in(call)
    for _ in range(dial_in.ATTEMPTS - 1):
        assert OFFER in call.presses("7").heard
    call.presses("")
    assert call.call.over


def test_an_open_line_that_rings_lets_managers_in_before_it_rings(call, client, line):
    line.rings = ["+12025550111"]
    line.save()
    PLAN.refresh()
    call.dials()
    assert call.document.find("Gather/Say").text == "Hello, this is Acme."
    assert call.document.find("Dial") is not None
    assert "PIN" in call.presses("*").heard
    waits = Caller(client, number=MINE, sid="CA" + "6" * 32).dials().press("")
    assert waits.call.wait.what == "ringing", "without a key it rings as ever"
    assert Caller(client, sid="CA" + "7" * 32).dials().document.find("Gather") is None


@pytest.mark.parametrize("language", ["de"])
def test_in_the_other_language_all_of_it_is(call, client, spoken, language):
    call.dials().presses("9").presses("*").presses(f"{PIN}#")
    assert call.heard.startswith("Zurzeit wird nichts angesagt.")
    assert "Deutsch" in call.presses("1").heard
    call.presses("1").speak(4)
    assert call.presses("1").heard.startswith("Erledigt.")


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("moment", ["pin", "switch"])
def test_while_the_database_is_away_it_is_said_and_nothing_is_pretended(call, monkeypatch, spoken, moment):
    def away(*args, **kwargs):
        raise OperationalError("connection refused")

    if moment == "pin":
        monkeypatch.setattr(pins, "check", away)
        got_in(call)
    else:
        said_and_heard(call)
        monkeypatch.setattr(orders, "carry_out", away)
        call.presses("1")
    assert call.heard.startswith("Our database does not answer. Nothing can be switched by phone now")
    assert "nothing was changed" in call.heard
    assert call.call.over
    monkeypatch.undo()
    assert not Announcement.objects.exists()


def test_where_the_commit_was_not_answered_nothing_is_claimed(call, monkeypatch, spoken):
    def unsure(order, *, user, number, wanted):
        wanted()
        raise OperationalError("server closed the connection")

    said_and_heard(call)
    monkeypatch.setattr(orders, "carry_out", unsure)
    assert call.presses("1").heard.startswith("I cannot tell whether it was switched")


def test_every_request_delivered_twice_it_is_published_once(client, maya, spoken):
    call = Caller(client, number=MINE, twice=True).dial()
    call.press("*").press(f"{PIN}#").press("1").press("1").speak(5).press("1")
    assert call.call.over
    assert Announcement.objects.count() == 1
    assert PinAttempt.objects.count() == 1
    answers = {}
    for one in call.call.log:
        answers.setdefault(one.token, []).append(one.body)
    assert all(first == second for first, second in answers.values())


def test_what_was_spoken_is_no_message_for_us_and_a_customers_is(call, twilio, spoken):
    said_and_heard(call).presses("1")
    ours = next(one.params["RecordingSid"] for one in call.call.log if "RecordingSid" in one.params)
    at, theirs = timezone.now().replace(microsecond=0) - timedelta(minutes=10), "RE" + "8" * 32
    sids = call.call.said["CallSid"], "CA" + "8" * 32
    twilio.lists["calls"] = [telephone_service.call(sid, at) for sid in sids]
    twilio.lists["recordings"] = [
        telephone_service.recording(one, sid, at) for one, sid in zip((ours, theirs), sids, strict=True)
    ]
    reconcile.run()
    intake.understand_all()
    kept = Entry.objects.filter(kind=Entry.Kind.VOICEMAIL).values_list("payload__recording", flat=True)
    assert list(kept) == [theirs]
    assert Ticket.objects.count() == 1


# ── played by the simulator ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("demo", [True, False])
def test_a_simulated_call_is_played_to_its_end_and_switches_only_a_demo(client, maya, settings, demo):
    settings.DEMO = demo
    call = Caller(client, number=MINE, **{dial_in_calls.SIMULATED: "1"}).dial()
    call.press("*").press(f"{PIN}#").press("1").press("1").speak(6)
    played = next(one.text for one in call.call.heard if one.kind == "play")
    assert client.get(played.removeprefix(settings.PUBLIC_URL)).status_code == 200
    call.press("1")
    assert call.call.over
    assert Announcement.objects.exists() is demo
    assert call.heard.startswith("Done." if demo else "This call is simulated.")


def test_nobody_without_twilios_signature_gets_a_word(client, maya):
    path = reverse("dial_in_pin", args=["main", "en", 0])
    assert client.post(path, {"From": MINE, "Digits": PIN, "CallSid": "CA1"}).status_code == 403
    assert not PinAttempt.objects.exists()
