"""Weeks of ordinary questions, asked and answered: what a flood's words are compared with."""

import random
from datetime import datetime, timedelta

from django.db import transaction

from tickets.models import Entry, Medium, Requester, Ticket
from triage.drill.contacts import FIRST_NAMES, LAST_NAMES

DAYS, PER_DAY = 28, 10
QUESTIONS = (
    ("Copy of our invoice", "Could you send us the invoice for last month again? Our accountant needs a copy."),
    ("New colleague", "We have a new colleague from Monday. How do we add them, and what does it cost?"),
    ("Export of clients", "Is there a way to export all clients with their birthdays as a CSV?"),
    ("Reminder texts", "Can the reminder text name the room as well? Clients ask at reception."),
    ("Billing address", "We moved. Where do we change the billing address of our account?"),
    ("Opening hours", "How do I block the week before Christmas in the calendar for all rooms?"),
    ("Login for the tax adviser", "Can our tax adviser have a login that only sees invoices?"),
    ("Zweiter Raum", "Wir haben einen zweiten Behandlungsraum. Wie lege ich ihn im Kalender an?"),
    ("Rechnung Oktober", "Auf der Rechnung steht noch unsere alte Anschrift. Können Sie sie berichtigen?"),
    ("Kündigung", "Zum Jahresende möchten wir ein Konto kündigen. Bis wann muss das bei Ihnen sein?"),
    ("Adresse de facturation", "Nous avons déménagé. Où puis-je changer l'adresse de facturation ?"),
    ("Factura de octubre", "No encuentro la factura de octubre. ¿Me la pueden enviar otra vez?"),
)


def seed(now: datetime, dice: random.Random) -> int:
    """Writes DAYS × PER_DAY solved tickets of people who wrote before `now`; returns how many."""
    times = [
        now - timedelta(days=day, minutes=dice.randrange(600)) for day in range(1, DAYS + 1) for _ in range(PER_DAY)
    ]
    with transaction.atomic():
        names = [f"{dice.choice(FIRST_NAMES)} {dice.choice(LAST_NAMES)}" for _ in times]
        people = Requester.objects.bulk_create(Requester(name=name) for name in names)
        asked = [dice.choice(QUESTIONS) for _ in times]
        tickets = Ticket.objects.bulk_create(
            Ticket(
                subject=subject,
                requester=who,
                medium=Medium.EMAIL,
                state=Ticket.State.SOLVED,
                created_at=at,
                solved_at=at + timedelta(hours=2),
                last_text=text,
                last_from=who.name,
            )
            for at, who, (subject, text) in zip(times, people, asked, strict=True)
        )
        Entry.objects.bulk_create(_entry(ticket, text, dice) for ticket, (_, text) in zip(tickets, asked, strict=True))
    return len(tickets)


def _entry(ticket: Ticket, text: str, dice: random.Random) -> Entry:
    # Like what the flood brings, each carries a token.
    said = f"{text}\n\nReference {dice.getrandbits(128):032x}"
    return Entry(
        ticket=ticket,
        kind=Entry.Kind.MESSAGE,
        sender_name=ticket.last_from,
        text=said,
        visible=said,
        happened_at=ticket.created_at,
    )
