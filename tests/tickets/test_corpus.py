"""Every real message there is goes in through the pipe and through a raw webhook: none refused, none lost.

Where less is asked for than is promised, every third does.
"""

import json

import pytest

from tests.promised import promised
from tests.tickets import mailings
from tickets import intake, journal
from tickets.channels import mail_pipe
from tickets.models import Arrival, ArrivalState, CountsAs, Entry

pytestmark = pytest.mark.django_db


def messages(folder):
    lines = (folder / "mail" / "expected.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 700
    for line in lines[:: promised(1, 3)]:
        # Some are bodies alone, without a header: to a mail server that is a message too, if a poor one.
        labels = json.loads(line)
        yield labels["file"], (folder / "mail" / labels["file"]).read_bytes()


def assert_all_have_an_end(sent: dict[int, str]):
    arrivals = Arrival.objects.in_bulk(sent)
    assert set(arrivals) == set(sent)
    with_entry = set(Entry.objects.filter(arrival__in=sent).values_list("arrival", flat=True))
    for pk, file in sent.items():
        arrival = arrivals[pk]
        assert arrival.state in (ArrivalState.UNDERSTOOD, ArrivalState.UNREADABLE), file
        noted = arrival.counts_as in (CountsAs.BOUNCE, CountsAs.STEP, CountsAs.OWN)
        assert pk in with_entry or noted, file
        assert journal.body_of(arrival), file
    return arrivals


def test_every_message_through_the_pipe_has_an_end(data_folder, settings):
    sent = {mail_pipe.accept(raw).arrival: file for file, raw in messages(data_folder)}
    assert len(sent) > promised(700, 230)
    intake.understand_all()
    arrivals = assert_all_have_an_end(sent)
    unreadable = [sent[pk] for pk, arrival in arrivals.items() if arrival.state == ArrivalState.UNREADABLE]
    print(f"{len(sent)} messages, {len(unreadable)} unreadable: {unreadable}")


def test_every_message_through_a_raw_webhook_has_an_end(data_folder, settings, client):
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": mailings.SIGNING_KEY}
    sent = {}
    for number, (file, raw) in enumerate(messages(data_folder)):
        answer = client.post("/mail/in/mailgun/", mailings.mailgun(raw, token=f"{number:050d}"))
        assert answer.status_code == 200, file
        sent[Arrival.objects.get(key=f"mailgun:{number:050d}").pk] = file
    intake.understand_all()
    assert_all_have_an_end(sent)
