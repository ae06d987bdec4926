"""Recordings and pictures are fetched from Twilio once and stand in the conversation, however often it fails before."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from tests.house import person
from tickets import intake
from tickets.models import Attachment, Entry, WorkState
from tickets.work import TransportError
from voice import downloads, signature, twilio_client
from voice.models import Download

RE = "RE" + "1" * 32
PATH = f"/2010-04-01/Accounts/AC{'0' * 32}/Recordings/{RE}"
SOUND = b"ID3" + bytes(range(256)) * 40


@pytest.fixture
def message(line, caller, twilio):
    """Somebody has left a message, and it is understood."""
    told = {"RecordingSid": RE, "RecordingUrl": f"https://api.twilio.com{PATH}", "RecordingDuration": "42"}
    caller().dials().presses("2").post("/voice/main/recording/en/0/", **told)
    intake.understand_all()
    return Entry.objects.get(kind=Entry.Kind.VOICEMAIL)


def later(minutes=1):
    return time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=True)


def fetch_all():
    with later():
        return downloads.fetch_due(10)


def test_a_message_is_fetched_with_our_credentials_and_can_be_played(message, twilio, client):
    twilio.files[f"{PATH}.mp3"] = ("audio/mpeg", SOUND)
    assert fetch_all() == 1
    client.force_login(person())
    page = client.get(reverse("ticket", args=[message.ticket_id])).content.decode()
    played = reverse("attachment", args=[Attachment.objects.get().pk])
    assert f'<audio controls preload="none" src="{played}">' in page
    assert "on its way" not in page
    answer = client.get(played)
    assert (answer["Content-Type"], answer.content) == ("audio/mpeg", SOUND)


def test_while_it_is_on_its_way_the_conversation_says_so(message, client):
    client.force_login(person())
    assert (
        "Voicemail: the file is on its way from Twilio."
        in client.get(reverse("ticket", args=[message.ticket_id])).content.decode()
    )


def test_a_recording_that_is_not_ready_yet_is_asked_for_again(message, twilio):
    assert fetch_all() == 0
    row = Download.objects.get()
    assert (row.state, row.attempts, row.error) == (WorkState.QUEUED, 1, "Twilio answers 404")
    twilio.files[f"{PATH}.mp3"] = ("audio/mpeg", SOUND)
    with later(5):
        assert downloads.fetch(row.pk) == WorkState.SENT


def test_after_the_last_try_a_person_may_ask_again(message, twilio, client):
    Download.objects.update(attempts=downloads.MOST_ATTEMPTS - 1)
    assert fetch_all() == 0
    client.force_login(person())
    page = client.get(reverse("ticket", args=[message.ticket_id])).content.decode()
    assert f"At Twilio it is {RE}." in page
    again = reverse("download_again", args=[Download.objects.get().pk])
    assert f'action="{again}"' in page
    twilio.files[f"{PATH}.mp3"] = ("audio/mpeg", SOUND)
    assert client.post(again)["Location"] == reverse("ticket", args=[message.ticket_id])
    assert fetch_all() == 1
    message.refresh_from_db()
    assert downloads.AWAITED not in message.payload
    assert not downloads.again(Download.objects.get().pk)


def test_told_twice_and_fetched_by_two_it_is_one_file(message, twilio):
    twilio.files[f"{PATH}.mp3"] = ("audio/mpeg", SOUND)
    row = Download.objects.get()
    downloads.keep(message, {RE: row.url}, "Voicemail")
    with later():
        downloads.fetch(row.pk)
        downloads.fetch(row.pk)
    downloads.keep(message, {RE: row.url}, "Voicemail")
    assert Attachment.objects.count() == Download.objects.count() == 1
    assert len([path for _, path, _ in twilio.requests if path.endswith(".mp3")]) == 1


def test_who_fetched_and_never_came_back_costs_nothing(message, twilio):
    Download.objects.update(state=WorkState.SENDING, attempts=1, claimed_at=timezone.now() - timedelta(hours=1))
    twilio.files[f"{PATH}.mp3"] = ("audio/mpeg", SOUND)
    assert downloads.sweep() == 0
    with later():
        assert downloads.sweep() == 1
    assert fetch_all() == 1


def test_without_an_account_it_waits(message, settings):
    settings.TWILIO_ACCOUNT_SID = ""
    with later():
        downloads.fetch(Download.objects.get().pk)
    row = Download.objects.get()
    assert row.state == WorkState.QUEUED
    assert row.due_at > timezone.now()


@pytest.mark.parametrize(
    "url", ["http://api.twilio.com/a", "https://example.com/a", "https://eviltwilio.com/a", "file:///etc/passwd"]
)
def test_our_credentials_go_to_twilio_alone(twilio, url):
    with pytest.raises(TransportError, match="does not lie at Twilio"):
        twilio_client.telephone().download(url)
    assert twilio.requests == []


def test_a_file_without_end_is_cut_off(twilio, monkeypatch):
    monkeypatch.setattr(twilio_client, "LARGEST", 1000)
    twilio.files[f"{PATH}.mp3"] = ("audio/mpeg", SOUND)
    with pytest.raises(TransportError) as caught:
        twilio_client.telephone().download(f"https://api.twilio.com{PATH}.mp3")
    assert caught.value.permanent


def test_pictures_of_a_text_are_fetched_too(line, client, twilio):
    path = f"/2010-04-01/Accounts/AC{'0' * 32}/Messages/MM{'2' * 32}/Media/ME{'3' * 32}"
    said = {
        "MessageSid": "MM" + "2" * 32, "From": "+12015550123", "To": "+12025550199", "Body": "Look", "NumMedia": "1",
        "MediaUrl0": f"https://api.twilio.com{path}",
    }  # fmt: skip
    twilio.files[path] = ("image/png", b"\x89PNG...")
    client.post("/voice/text/", said, headers={"X-Twilio-Signature": signature.sign("/voice/text/", said)})
    intake.understand_all()
    assert fetch_all() == 1
    file = Attachment.objects.get()
    assert (file.name, file.content_type, file.entry.text) == ("Picture.png", "image/png", "Look")


def test_a_simulated_message_has_nothing_to_fetch(line, caller):
    caller(BreakwaterSimulated="1").dials().post(
        "/voice/main/recording/en/0/", RecordingSid=RE, RecordingUrl="", RecordingDuration="12"
    )
    intake.understand_all()
    assert not Download.objects.exists()
