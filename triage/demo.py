"""A demo installation's people, lines, components and first tickets. Seeded once; running it again changes nothing."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tickets import intake, journal
from tickets.desk import people
from tickets.models import Channel, Ticket
from triage.models import Component
from voice.models import Line

COMPONENTS = ("Login", "Calendar", "Payments", "Email and SMS")
WEEKDAYS = {str(day): [["07:00", "21:00"]] for day in range(7)}
LINES = (
    {
        "key": "international",
        "name": "International",
        "number": "+12025550143",
        "languages": ["en", "de"],
        "open_text": {
            "en": "Welcome to Acme support. All of us are talking to customers.",
            "de": "Willkommen beim Support von Acme. Wir sind alle im Gespräch.",
        },
    },
    {
        "key": "uk",
        "name": "United Kingdom",
        "number": "+441632960143",
        "languages": ["en"],
        "time_zone": "Europe/London",
        "hours": WEEKDAYS,
        "open_text": {"en": "Welcome to Acme support. All of us are talking to customers."},
        "closed_text": {"en": "Welcome to Acme support. We are here from seven in the morning to nine at night."},
    },
    {
        "key": "dach",
        "name": "Deutschland, Österreich, Schweiz",
        "number": "+4930231250143",
        "languages": ["de", "en"],
        "time_zone": "Europe/Berlin",
        "hours": WEEKDAYS,
        "open_text": {
            "de": "Willkommen beim Support von Acme. Wir sind alle im Gespräch.",
            "en": "Welcome to Acme support. All of us are talking to customers.",
        },
        "closed_text": {
            "de": "Willkommen beim Support von Acme. Wir sind von sieben bis einundzwanzig Uhr da.",
            "en": "Welcome to Acme support. We are here from seven in the morning to nine at night.",
        },
    },
)
MAILS = (
    (190, "Studio Lindqvist AB", "lindqvist@studio.example", "Faktura 20231 – dubbel debitering",
     "Hej! Det gäller fakturan från oktober: beloppet drogs två gånger. Kan ni titta på det?"),
    (150, "Kofi Mensah", "kofi@mensah.example", "How do I export the client list?",
     "Is there a way to get all clients with birthdays as a CSV? I found only the PDF report."),
    (95, "Marie-Claude Bouchard", "mc@salonbouchard.example", "Changer l'adresse de facturation",
     "Bonjour, nous avons déménagé. Où puis-je changer l'adresse de facturation ?"),
    (40, "Dr. Amir Rahimi", "amir@praxis-rahimi.example", "Kalender mit zwei Räumen",
     "Guten Tag, wir haben einen zweiten Behandlungsraum. Wie lege ich ihn im Kalender an?"),
)  # fmt: skip
FORMS = (
    (120, "Priya Nair", "priya@nair-dental.example", "Reminder texts arrive late",
     "Since Tuesday the reminders for appointments arrive two hours late."),
    (25, "Tomás García", "tomas@garcia.example", "New colleague",
     "How many people can sign in with our plan? We have a new colleague from Monday."),
)  # fmt: skip


def seed() -> bool:
    """Seeds what is missing. False when there was nothing to do."""
    if User.objects.filter(email=people.DEMO_PEOPLE[-1].email).exists():
        return False
    with transaction.atomic():
        for position, name in enumerate(COMPONENTS):
            Component.objects.get_or_create(name=name, defaults={"position": position})
        for line in LINES:
            Line.objects.get_or_create(key=line["key"], defaults=line)
        people.make_demo_people()
    if not Ticket.objects.exists():
        _first_tickets()
    return True


def _first_tickets() -> None:
    now = timezone.now()
    batch = []
    for minutes, name, address, subject, text in FORMS:
        batch.append(
            journal.Incoming(
                channel=Channel.WEB_FORM,
                key=f"demo:{address}",
                sender=address,
                happened_at=now - timedelta(minutes=minutes),
                payload={"name": name, "email": address, "subject": subject, "message": text, "language": "en"},
            )
        )
    for minutes, name, address, subject, text in MAILS:
        raw = f"From: {name} <{address}>\nSubject: {subject}\nMessage-ID: <demo-{minutes}@{address}>\n\n{text}\n"
        batch.append(
            journal.Incoming(
                channel=Channel.MAIL_PIPE,
                key=f"demo:{address}",
                sender=address,
                happened_at=now - timedelta(minutes=minutes),
                payload={"sender": address, "recipients": []},
                body=raw.encode(),
            )
        )
    journal.record(batch)
    intake.understand_all()
