"""A broadcast draws automatic answers and bounces, through the real doors and readers: no surge begins or goes on."""

import random
from datetime import timedelta

import pytest

from tests.house import person
from tests.promised import promised
from tests.tickets.mailings import raw_mail
from tests.triage.surge.traffic import NOW, contacts, flood, ordinary, tick
from tickets import intake, journal
from tickets.models import Arrival, ArrivalState, CountsAs, Outgoing
from triage.models import MinuteCount, Surge
from triage.surge.watching import Watching

pytestmark = pytest.mark.django_db
MINUTE, TEN_SECONDS = timedelta(minutes=1), timedelta(seconds=10)
# People a broadcast went to.
PEOPLE = promised(10_000, 1000)
ANSWERS, BOUNCES = round(PEOPLE * 0.15), round(PEOPLE * 0.02)
MARKS = (
    {"Auto_Submitted": "auto-replied", "Subject": "Re: Your ticket"},
    {"X_Autoreply": "yes", "Subject": "Out of office: Re: Your ticket"},
    {"Precedence": "auto_reply", "Subject": "Automatic reply: Your ticket"},
)


def answer(number: int) -> bytes:
    names = {name.replace("_", "-"): value for name, value in MARKS[number % len(MARKS)].items()}
    return raw_mail("I am out of the office.", From=f"away{number}@customer.example", **names)


def bounce(number: int) -> bytes:
    report = (
        f"From: MAILER-DAEMON@mx.example\r\nTo: support@example.com\r\nSubject: Undelivered Mail\r\n"
        f"Message-ID: <b{number}@mx.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; gone{number}@customer.example\r\nAction: failed\r\nStatus: 5.1.1\r\n--b--\r\n"
    )
    return report.encode()


def echo(begins, dice):
    """What comes back: most within two minutes, each with the time it came."""
    raws = [answer(n) for n in range(ANSWERS)] + [bounce(n) for n in range(BOUNCES)]
    times = sorted(begins + timedelta(seconds=min(dice.expovariate(1 / 60), 590)) for _ in raws)
    dice.shuffle(raws)
    return list(zip(times, raws, strict=True))


def accept(mails):
    batch = []
    for number, (at, raw) in enumerate(mails):
        sender = raw.split(b"From: ")[1].split(b"\n")[0].strip().decode()
        said = {"sender": sender, "recipients": ["support@example.com"]}
        batch.append(journal.Incoming("mail_pipe", f"{at.timestamp()}:{number}", sender, at, said, body=raw))
    return [pk for start in range(0, len(batch), 200) for pk in journal.record(batch[start : start + 200])]


def play(begins, watching, minutes=14):
    """Every ten seconds what has come is accepted and a tick looks at it; it is understood forty seconds later."""
    coming, at, unread = echo(begins, random.Random(7)), begins, []
    while at < begins + minutes * MINUTE:
        at += TEN_SECONDS
        now = [one for one in coming if at - TEN_SECONDS <= one[0] < at]
        unread.append(accept(now))
        tick(at, watching)
        intake.understand_many(unread.pop(0) if len(unread) > 4 else [])
    return len(coming)


def test_the_echo_of_a_broadcast_opens_no_surge():
    person("manager")
    # As many in a day as a tenth of those who were written to: what comes back is a flood beside that.
    ordinary(4, per_day=PEOPLE // 10)
    watching = Watching()
    tick(NOW, watching)
    begins = NOW + 5 * TEN_SECONDS
    number = play(begins, watching)
    rows = Arrival.objects.filter(channel="mail_pipe", happened_at__gte=begins)
    assert rows.exclude(state=ArrivalState.UNDERSTOOD).count() == 0
    kinds = {kind: rows.filter(counts_as=kind).count() for kind in (CountsAs.AUTOMATIC, CountsAs.BOUNCE)}
    assert kinds == {CountsAs.AUTOMATIC: ANSWERS, CountsAs.BOUNCE: BOUNCES}
    assert number == ANSWERS + BOUNCES
    assert not Surge.objects.filter(detected_at__gte=begins).exists()
    assert not Outgoing.objects.filter(kind="alert", group__startswith="alert:surge").exists()
    echoed = MinuteCount.objects.filter(series="medium:email", minute__gte=begins).values_list("arrivals", flat=True)
    assert sum(echoed) == 0


def test_the_echo_prolongs_no_surge_that_is_ending():
    person("manager")
    ordinary(4)
    ends, watching = NOW + 20 * MINUTE, Watching()
    ordinary_after = [ends + timedelta(seconds=30 * n) for n in range(120)]
    flood(NOW, ends, per_minute=40)
    contacts(ordinary_after)
    tick(ends, watching)
    surge = Surge.objects.get(series="all", ended_at=None)
    play(ends + MINUTE, watching)
    for n in range(15, 45):
        tick(ends + n * MINUTE, watching)
    surge.refresh_from_db()
    assert surge.ended_at is not None
    assert abs(surge.ended_at - ends) <= 3 * MINUTE
    assert Surge.objects.filter(parent=None).count() == 1
