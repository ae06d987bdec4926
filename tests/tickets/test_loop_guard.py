"""Robots fall silent, thousands of people at one provider do not; every cap says on the ticket why it bit."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.promised import promised
from tests.tickets import mailings
from tickets import delivery, intake, loop_guard, notices
from tickets.channels import mail_pipe
from tickets.loop_guard import OF_DOMAIN, REOPENINGS, SAME_WORDS, Facts, verdict
from tickets.mail.freemail import is_freemail
from tickets.models import Entry, Lane, Notice, Outgoing, Problem, Restraint, Ticket

# People who write the same words at one provider.
PEOPLE = promised(5000, 150)
Robot = Callable[[EmailMessage, int], bytes]


def pipe(raw: bytes) -> None:
    kept = mail_pipe.accept(raw)
    intake.understand(kept.arrival)


# ── the decision ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("facts", "held"),
    [
        (Facts(), False),
        (Facts(answers_ours=True), True),
        (Facts(answers_ours=True, freemail=True), True),
        (Facts(lately=True), True),
        (Facts(same_words=SAME_WORDS - 1), False),
        (Facts(same_words=SAME_WORDS), True),
        (Facts(same_words=5000, freemail=True), False),
        (Facts(of_domain=OF_DOMAIN, of_all=OF_DOMAIN), True),
        (Facts(of_domain=OF_DOMAIN, of_all=2 * OF_DOMAIN), False),
        (Facts(of_domain=OF_DOMAIN - 1, of_all=OF_DOMAIN - 1), False),
        (Facts(of_domain=5000, of_all=5000, freemail=True), False),
    ],
)
def test_each_cap_bites_where_it_should(facts, held):
    assert bool(verdict(facts)) == held


@pytest.mark.parametrize(
    ("domain", "free"),
    [
        ("gmail.com", True), ("GMX.de", True), ("yahoo.co.uk", True), ("web.de", True), ("163.com", True),
        ("acme.example", False), ("mygmail.com", False), ("", False), ("gmail.acme.example", True),
    ],
)  # fmt: skip
def test_freemail_is_told_by_its_domain(domain, free):
    assert is_freemail(domain) == free


# ── robots ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def answer(ours: EmailMessage, words: str, sender: str, *, referring: bool = True, **headers: str) -> bytes:
    to = str(ours["Reply-To"]) if referring else "support@example.com"
    head = {"In-Reply-To": str(ours["Message-ID"])} if referring else {}
    subject = f"Re: {ours['Subject']}" if referring else "Your request"
    return mailings.raw_mail(words, From=sender, To=to, Subject=subject, **head, **headers)


def polite(ours: EmailMessage, number: int) -> bytes:
    return answer(ours, "I am away.", "bot@robot.example", Auto_Submitted="auto-replied")


def rude(ours: EmailMessage, number: int) -> bytes:
    return answer(ours, f"Thank you for message {number}.", "bot@robot.example")


def shifty(ours: EmailMessage, number: int) -> bytes:
    return answer(ours, "Thank you.", f"bot{number}@robot.example")


def quoting(ours: EmailMessage, number: int) -> bytes:
    quoted = "\n".join(f"> {line}" for line in ours.get_content().splitlines())
    return answer(ours, f"Case {number} was opened.\n{quoted}", f"bot{number}@robot.example", referring=False)


def forgetful(ours: EmailMessage, number: int) -> bytes:
    return answer(ours, "Your request was received.", f"bot{number}@robot.example", referring=False)


def counting(ours: EmailMessage, number: int) -> bytes:
    return answer(ours, f"Case {number * 7919} was opened.", f"bot{number}@robot.example", referring=False)


def talkative(ours: EmailMessage, number: int) -> bytes:
    words = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel")
    return answer(ours, f"Your {words[number % 8]} request.", "bot@robot.example", referring=False)


@pytest.mark.django_db
@pytest.mark.parametrize("incident", [False, True])
@pytest.mark.parametrize("robot", [polite, rude, shifty, quoting, forgetful, counting, talkative])
def test_two_robots_stop_within_three_messages(smtp, robot: Robot, incident: bool):
    """Ours and another, which answers whatever we send. Real mail both ways, until nobody has anything to say."""
    if incident:
        problem = Problem.objects.create(title="Login", opened_at=timezone.now())
        notices.show(Notice.Target.ACKNOWLEDGEMENT, {"en": "We know."}, problem, None, about="update:1")
        notices.NOTICES.refresh()
    pipe(mailings.raw_mail("Your request was received.", From="bot0@robot.example"))
    for number in itertools.count(1):
        seen = len(smtp.got)
        delivery.send_due(Lane.BULK)
        new = smtp.got[seen:]
        if not new:
            break
        for ours in new:
            pipe(robot(ours, number))
        assert number <= 10, "they go on for ever"
    assert 1 <= len(smtp.got) <= 3


@pytest.mark.django_db
def test_a_cap_that_bites_says_so_on_the_ticket_and_is_counted():
    for number in range(SAME_WORDS + 1):
        pipe(mailings.raw_mail("The system is down.", From=f"p{number}@acme.example"))
    newest = Ticket.objects.latest("pk")
    (event,) = newest.entries.filter(kind=Entry.Kind.EVENT)
    assert event.visible == (
        "No acknowledgement was sent: several addresses of this domain wrote the same words within the hour"
    )
    assert loop_guard.held(timezone.now()) == 1
    assert Ticket.objects.count() == SAME_WORDS + 1


@pytest.mark.django_db
def test_a_domain_that_takes_most_acknowledgements_is_capped_and_all_its_mail_is_taken():
    for number in range(OF_DOMAIN + 5):
        pipe(mailings.raw_mail(f"{chr(97 + number)} does not work", From=f"p{number}@acme.example"))
    assert Ticket.objects.count() == OF_DOMAIN + 5
    assert Outgoing.objects.filter(kind="ack").count() == OF_DOMAIN


@pytest.mark.timeout(900)
@pytest.mark.django_db
def test_everybody_at_a_freemail_provider_is_taken_and_acknowledged_once():
    costs = []
    for number in range(PEOPLE):
        connection.queries_log.clear()
        with CaptureQueriesContext(connection) as queries:
            pipe(mailings.raw_mail("system is down", From=f"p{number}@gmail.com"))
        costs.append(len(queries))
        if connection.vendor == "postgresql" and number % 200 == 0:
            # What its own collector does for rows that are committed: without, it takes the tables for empty.
            connection.cursor().execute("ANALYZE")
    acknowledged = Outgoing.objects.filter(kind="ack").values_list("to", flat=True)
    assert Ticket.objects.count() == len(acknowledged) == len(set(acknowledged)) == PEOPLE
    assert max(costs[1:]) == min(costs[1:])


@pytest.mark.django_db
def test_a_robot_that_thanks_for_each_solution_stops_opening_it(smtp):
    pipe(mailings.raw_mail(Message_ID="<first@robot.example>"))
    ticket = Ticket.objects.get()
    for number in range(REOPENINGS + 2):
        Ticket.objects.update(state="solved", solved_at=timezone.now())
        pipe(mailings.raw_mail(f"Thank you {number}.", In_Reply_To="<first@robot.example>"))
        ticket.refresh_from_db()
        assert ticket.state == ("open" if number < REOPENINGS else "solved")
    assert ticket.entries.filter(kind=Entry.Kind.MESSAGE).count() == REOPENINGS + 3
    assert "Not opened again" in ticket.entries.filter(kind=Entry.Kind.EVENT).latest("pk").visible


@pytest.mark.django_db
def test_an_acknowledgement_quotes_nothing_of_what_was_submitted():
    pipe(mailings.raw_mail("Buy pills at http://evil.example", Subject="Cheap pills", From="Victim <v@victim.example>"))
    sent = Outgoing.objects.get(kind="ack")
    assert not {"pills", "evil", "Victim"} & set((sent.subject + " " + sent.text).replace("/", " ").split())
    assert "evil" not in sent.subject + sent.text


@pytest.mark.django_db
def test_what_is_over_is_forgotten():
    pipe(mailings.raw_mail(From="p@acme.example"))
    assert Restraint.objects.count() == 2
    assert loop_guard.forget() == 0
    assert loop_guard.forget(timezone.now() + timedelta(days=1, hours=1)) == 2
