"""What people write about is told by how many of them chose a subject."""

from datetime import UTC, datetime, timedelta

import pytest

from tickets.models import Requester, Ticket
from triage.surge import subjects

NOW = datetime(2026, 11, 23, 10, 46, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ([], []),
        ([("Cannot log in", 1)], []),
        ([("Cannot log in", 1), ("Cannot log in", 1)], []),
        ([("Cannot log in", 1), ("cannot log in!", 2), ("Re: Cannot log in", 3)], [("Cannot log in", 3)]),
        ([("Is it down?", 1), ("AW: RE: Is  it down", 2), ("Is it down?", 3)], [("Is it down?", 3)]),
        ([("A", 1), ("A", 2), ("B", 1), ("B", 2), ("B", 3)], [("B", 3), ("A", 2)]),
        ([("", 1), ("Re:", 2), ("  ", 3)], []),
        ([(f"Subject {n}", who) for n in range(9) for who in (1, 2)], [(f"Subject {n}", 2) for n in range(5)]),
    ],
)
def test_a_subject_counts_by_the_people_who_chose_it(written, told):
    assert subjects.frequent(written) == told


@pytest.mark.django_db
def test_only_what_was_written_in_the_time_is_told(django_assert_num_queries):
    def ticket(subject: str, minutes: int, medium: str = "email") -> None:
        who = Requester.objects.create(name="Ann")
        Ticket.objects.create(
            subject=subject, requester=who, medium=medium, created_at=NOW + timedelta(minutes=minutes)
        )

    for _ in range(2):
        ticket("Invoice", -60)
        ticket("Cannot log in", 1)
        ticket("Call from +44 20 7946 0000", 2, "phone")
        ticket("Thank you", 60)
    with django_assert_num_queries(1):
        assert subjects.since(NOW, NOW + timedelta(minutes=30)) == [("Cannot log in", 2)]
    assert subjects.since(NOW) == [("Thank you", 2), ("Cannot log in", 2)]
