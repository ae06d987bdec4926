"""How much of the real mail is read as people labelled it; each figure with its n and its Wilson interval."""

from collections import defaultdict

import pytest

from tests.tickets.mail.figures import judged, labelled, wilson
from tickets.mail import outline

# Shares that must not be lost again; the figures themselves are printed (pytest -s).
FLOORS = {
    "subject": 0.98,
    "from address": 0.98,
    "from name": 0.98,
    "attachments": 0.95,
    "text": 0.9,
    "text contains": 0.95,
    "bounce recall": 0.99,
    "bounce specificity": 0.99,
    "complaint recall": 0.85,
    "automatic reply recall": 0.99,
    "automatic reply specificity": 0.99,
    "visible reply": 0.95,
    "visible reply not empty": 1.0,
}


@pytest.fixture
def figures(data_folder):
    found = defaultdict(list)
    for labels, raw in labelled(data_folder):
        record = outline.of_body(raw) if labels["kind"] == "body" else outline.of_message(raw)
        for measure, right in judged(labels, record):
            found[measure].append(right)
    return found


def test_real_mail_is_read_as_people_labelled_it(figures):
    below = []
    for measure, floor in FLOORS.items():
        right, n = sum(figures[measure]), len(figures[measure])
        low, high = wilson(right, n)
        print(f"{measure:28} {right:4}/{n:<4} {right / n:6.1%}  [{low:.1%}, {high:.1%}]")
        below += [measure] if right / n < floor else []
    assert not below
