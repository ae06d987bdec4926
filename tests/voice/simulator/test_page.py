"""The simulator's page: a call as a manager plays it, and what they let go wrong."""

import re

import pytest
from django.contrib.auth.models import User

from tests.house import person
from tests.voice.phone_people import wanted
from tickets import intake
from tickets.models import Arrival, Entry
from voice import fallback, pins, supervision
from voice.models import Call, Callback
from voice.plan import PLAN
from voice.simulator.page import LONGEST, REQUESTS, SESSION

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def phone(client, line, live_server, settings):
    """The simulator's page as a manager sees it, before a real server."""
    settings.PUBLIC_URL, settings.SIMULATOR_BASE = "https://support.example.com", live_server.url
    client.force_login(person("manager"))
    PLAN.refresh()

    def act(**values):
        return client.post("/simulator/act/", values, follow=True).content.decode()

    act.line = line
    return act


def test_a_call_is_heard_and_its_keys_lead_on(phone):
    page = phone(do="dial", line=phone.line.pk, caller="+1 201 555 0123")
    assert "Hello, this is Acme." in page
    page = phone(do="keys", keys="1")
    assert "will call you back" in page
    assert "The call is over." in page
    intake.understand_all()
    callback = Callback.objects.get()
    assert (callback.number, callback.simulated) == ("+12015550123", True)
    assert set(Arrival.objects.values_list("counts_as", flat=True)) == {"simulated"}


def test_a_message_can_be_left(phone):
    phone(do="dial", line=phone.line.pk, caller="+12015550123")
    phone(do="keys", keys="2")
    assert "We have your message" in phone(do="speak")


def test_a_withheld_number_is_asked_for_one(phone):
    phone(do="dial", line=phone.line.pk, withheld="on")
    assert "enter the number" in phone(do="keys", keys="1")
    assert "If this is right" in phone(do="keys", keys="12015550188")


def test_a_manager_dials_in_and_the_pin_is_shown_and_kept_nowhere(phone, client):
    pins.keep(User.objects.get(), ["+12015550177"], "480917")
    PLAN.refresh()
    phone(do="dial", line=phone.line.pk, caller="+12015550177")
    assert "enter your PIN" in phone(do="keys", keys="*")
    page = phone(do="keys", keys="480917#")
    assert "Nothing is announced now." in page
    assert "You press • • • • • • •." in page
    assert "480917" not in page
    assert "480917" not in str(client.session[SESSION])


def test_a_mailbox_that_answers_does_not_have_the_caller(phone):
    phone.line.rings = ["+12025550111"]
    phone.line.save()
    PLAN.refresh()
    assert "A mailbox answers" in phone(do="dial", line=phone.line.pk, caller="+12015550123")
    page = phone(do="mailbox")
    assert "Press 1 to take it." in page
    assert "Nobody is free" in page
    assert "The call is over." not in page


def test_hanging_up_ends_the_call(phone):
    phone(do="dial", line=phone.line.pk, caller="+12015550123")
    assert "The call is over." in phone(do="hang_up")
    assert "The call is over." in phone(do="keys", keys="1"), "nothing goes on after the end"


def test_a_wrong_number_is_named(phone):
    assert "no phone number" in phone(do="dial", line=phone.line.pk, caller="12")


def test_no_token_or_signature_is_shown(phone, settings):
    page = phone(do="dial", line=phone.line.pk, caller="+12015550123")
    assert settings.TWILIO_AUTH_TOKENS[0] not in page
    assert "Signature" not in page


def test_a_door_that_does_not_answer_is_named(phone, settings):
    settings.SIMULATOR_BASE = "http://127.0.0.1:9"
    page = phone(do="dial", line=phone.line.pk, caller="+12015550123")
    assert "Error 11202: no connection to 127.0.0.1:9" in page
    assert "an application error has occurred" in page, "there is no export either"


@pytest.mark.parametrize(("demo", "status"), [(False, 403), (True, 200)])
def test_agents_may_use_it_in_a_demo_only(client, settings, demo, status, db):
    settings.DEMO = demo
    client.force_login(person("agent"))
    assert client.get("/simulator/").status_code == status


def dialled(phone, **conditions):
    return phone(do="dial", line=phone.line.pk, caller="+12015550123", **conditions)


def test_a_connection_that_fails_is_tried_again_with_the_same_token(phone):
    page = dialled(phone, fault="refuses", times="1")
    assert "Hello, this is Acme." in page
    assert page.count("again, same token") == 1
    assert "the connection was not taken (simulated)" in page
    assert '<option value="" selected>answers' in page, "the next request meets a server that answers"


@pytest.mark.parametrize("fault", ["times_out", "fails", "refuses"])
def test_a_server_that_does_not_answer_is_told_and_the_fallback_is_heard(phone, fault):
    fallback.export()
    page = dialled(phone, fault=fault, times="-1")
    assert "Twilio asks the fallback." in page
    assert "We cannot be reached by phone just now." in page
    assert "fallback storage: voice/main/now.xml" in page
    assert "No FALLBACK_URL is set" in page
    assert f'<option value="{fault}" selected>' in page, "it stays so until something else is chosen"


def test_only_the_chosen_request_meets_it_and_what_was_lost_has_been_kept(phone):
    fallback.export()
    dialled(phone)
    page = phone(do="keys", keys="1", fault="loses", times="1")
    assert "the answer got lost on its way (simulated)" in page
    intake.understand_all()
    assert Callback.objects.count() == 1


def test_everything_delivered_twice_and_told_backwards_is_one_callback(phone):
    dialled(phone, twice="on", statuses="reversed")
    page = phone(do="keys", keys="1", twice="on", statuses="reversed")
    assert page.count("again, same token") == 2 + 4
    intake.understand_all()
    assert Callback.objects.count() == 1
    assert Call.objects.get().status == "completed"


def test_every_request_and_its_document_are_shown(phone):
    dialled(phone)
    page = phone(do="keys", keys="1")
    for where in ("POST /voice/main/answer/", "POST /voice/main/menu/open/en/0/", "POST /voice/main/status/"):
        assert where in page
    assert "&lt;Gather action=&quot;/voice/main/menu/open/en/0/&quot;" in page
    assert page.count("signature accepted") == 3


def test_a_signature_that_is_refused_is_seen(phone, settings):
    dialled(phone)
    settings.TWILIO_AUTH_TOKENS = ["of the simulator", *settings.TWILIO_AUTH_TOKENS]
    assert "signature accepted" in phone(do="keys", keys="9"), "any token may sign"
    settings.PUBLIC_URL = "https://moved.example.com"
    call = dialled(phone)
    assert "signature accepted" in call
    with pytest.MonkeyPatch.context() as wrong:
        wrong.setattr("voice.signature.sign_url", lambda url, params: "bm90IHNpZ25lZA==")
        page = dialled(phone)
    assert "signature refused" in page
    assert "Error 11217: the answer is HTTP 403" in page


def test_a_long_call_does_not_outgrow_its_session(phone, client):
    dialled(phone)
    for _ in range(REQUESTS + 5):
        phone(do="keys", keys="9")
    kept = client.session[SESSION]["call"]
    assert (len(kept["log"]), len(kept["heard"])) == (REQUESTS, LONGEST)


@pytest.mark.parametrize("kept", [{}, {"call": {}}, {"call": {"number": {}}}, {"call": {"awaits": "keys"}}])
def test_a_call_that_another_version_wrote_down_is_forgotten(phone, client, kept):
    session = client.session
    session[SESSION] = kept
    session.save()
    assert "Dial one of your lines" in phone(do="keys", keys="1")
    assert "Hello, this is Acme." in dialled(phone)


@pytest.mark.parametrize("values", [{"fault": "burns"}, {"times": "x"}, {"times": "99"}, {"statuses": "upside down"}])
def test_conditions_that_are_none_are_as_if_not_chosen(phone, values):
    assert "Hello, this is Acme." in dialled(phone, **values)
    assert "will call you back" in phone(do="keys", keys="1", **values)


def test_what_does_not_fit_the_moment_changes_nothing(phone):
    before = dialled(phone)
    for what in ("speak", "answered", "nobody", "busy", "silent", "dance", ""):
        page = phone(do=what)
    assert page.count("<li") == before.count("<li")


def test_nothing_is_said_into_a_recording(phone):
    dialled(phone)
    phone(do="keys", keys="2")
    page = phone(do="silent")
    assert "You say nothing." in page
    assert "Goodbye" in page, "Twilio goes on after a recording of nothing"
    intake.understand_all()
    assert not Entry.objects.exists()


@pytest.mark.parametrize("what", ["speak", "speak_and_go"])
def test_a_message_is_one_whether_it_ends_with_silence_or_by_hanging_up(phone, what):
    dialled(phone)
    phone(do="keys", keys="2")
    assert "The call is over" in phone(do=what)
    intake.understand_all()
    assert Entry.objects.get().kind == "voicemail"


@pytest.mark.parametrize(("how", "words"), [("nobody", "Nobody answers."), ("busy", "The line is busy.")])
def test_phones_that_ring_in_vain_lead_to_the_menu(phone, how, words):
    phone.line.rings = ["+12025550111", "+12025550112"]
    phone.line.save()
    PLAN.refresh()
    assert "It rings on 2 phones, for 20 s." in dialled(phone)
    page = phone(do=how)
    assert words in page
    assert "Nobody is free" in page


# ── calling back ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def asked(phone):
    """A simulated callback."""
    dialled(phone)
    phone(do="keys", keys="1")
    intake.understand_all()
    return Callback.objects.get()


@pytest.mark.parametrize(("customer", "state"), [("answered", "connected"), ("busy", "due"), ("nobody", "due")])
def test_a_simulated_callback_is_played_on_both_phones(phone, client, asked, customer, state):
    assert "Play the call in the simulator" in client.get(f"/callbacks/{asked.pk}/").content.decode()
    page = client.post(f"/simulator/callback/{asked.pk}/", follow=True).content.decode()
    assert "The agent’s phone rings." in page
    asked.refresh_from_db()
    assert asked.state == "agent"
    assert "2 0 1 5 5 5 0 1 2 3" in phone(do="answered")
    assert "The customer answers" in phone(do="keys", keys="1")
    assert "The call is over" in phone(do=customer)
    intake.understand_all()
    asked.refresh_from_db()
    assert (asked.state, asked.tries) == (state, 1)


def test_an_agent_who_does_not_answer_keeps_it(phone, client, asked):
    client.post(f"/simulator/callback/{asked.pk}/")
    phone(do="nobody", statuses="all")
    intake.understand_all()
    asked.refresh_from_db()
    assert (asked.state, asked.tries) == ("due", 0)


def test_a_real_callback_and_a_paused_one_are_not_played(phone, client, asked):
    real = wanted(phone.line, "+12015550188")
    assert client.post(f"/simulator/callback/{real.pk}/").status_code == 404
    supervision.pause(person("manager", "Another One"), "a meeting")
    page = client.post(f"/simulator/callback/{asked.pk}/", follow=True).content.decode()
    assert "Callbacks are paused: a meeting." in page
    asked.refresh_from_db()
    assert asked.state == "requested"


def test_a_callback_whose_line_is_gone_is_not_played(phone, client, asked):
    phone.line.delete()
    page = client.post(f"/simulator/callback/{asked.pk}/", follow=True).content.decode()
    assert "The line that the customer called is gone." in page


def test_who_may_not_use_the_simulator_is_not_offered_it(phone, client, asked):
    client.force_login(person("agent"))
    page = client.get(f"/callbacks/{asked.pk}/").content.decode()
    assert "Play the call in the simulator" not in page
    assert client.post(f"/simulator/callback/{asked.pk}/").status_code == 403


def test_without_a_token_nothing_is_dialled(phone, settings):
    settings.TWILIO_AUTH_TOKENS = []
    assert "No auth token is set" in dialled(phone)
    assert not Arrival.objects.exists()


def test_lines_are_offered_with_their_whole_names_and_the_first_is_chosen(client, line):
    line.name = "Praxisverwaltung für Deutschland, Österreich und die Schweiz"
    line.save()
    client.force_login(person("manager"))
    page = client.get("/simulator/").content.decode()
    assert f"<strong>{line.name}</strong>" in page
    assert page.count('name="line"') == 1
    assert re.search(rf'name="line" value="{line.pk}"[^>]* checked', page)


def test_dialling_without_a_line_says_what_is_missing(phone):
    page = phone(do="dial", caller="+12015550123")
    assert "Choose the line to call." in page
    assert "The call is over." not in page
