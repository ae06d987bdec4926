"""Before a drill people asked ordinary questions and were answered: enough to tell the flood's words from theirs."""

import random

import pytest
from django.utils import timezone

from tickets.models import Ticket
from triage.drill import everyday
from triage.drill.contacts import MATTERS
from triage.surge import about, texts
from triage.surge.terms import Written, rising, taken_apart

pytestmark = pytest.mark.django_db


def test_ordinary_weeks_are_known_and_nobody_waits():
    now = timezone.now()
    assert everyday.seed(now, random.Random(1)) == everyday.DAYS * everyday.PER_DAY == Ticket.objects.count()
    assert not Ticket.objects.filter(created_at__gte=now).exists()
    assert not Ticket.objects.exclude(state="solved").exists()
    assert len(texts.ordinary(now)) >= about.KNOWN


def test_what_every_text_of_the_demo_bears_is_not_what_the_flood_is_about():
    now = timezone.now()
    everyday.seed(now, random.Random(1))
    flood = [Written(n, n, "\n".join((*MATTERS[n % len(MATTERS)], f"Reference {n:x}"))) for n in range(100)]
    found = rising(flood, taken_apart(texts.ordinary(now)))
    assert found.rule is not None
    assert found.rule.share > 0.6
    assert "reference" not in {word for term in found.terms for word in term.words}
