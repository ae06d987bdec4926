"""Many surges of a tick are kept together: the same rows as one after the other, and no more queries than for one."""

import random
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.promised import promised
from tests.triage.surge.traffic import NOW, contacts
from tickets.models import Arrival, Topic
from triage.models import Surge
from triage.surge import counts, people, surges
from triage.surge.excursions import Episode
from triage.surge.quarters import minute_of
from triage.surge.surges import Sighting

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SERIES = ("all", "medium:phone", "medium:email", "line:a", "line:b", "topic:login")
PAGING = 3
LAST = 600

spans = st.tuples(st.integers(0, LAST), st.integers(1, 240), st.integers(0, 5000), st.integers(0, 60))
# Of a series in one tick: what ended, in order of time, and perhaps what is on.
met = st.tuples(st.lists(spans, max_size=2), st.none() | spans, st.sampled_from(("page", "page", "notice")))
ticks = st.lists(
    st.tuples(st.dictionaries(st.sampled_from(range(len(SERIES))), met, min_size=1), st.sets(st.integers(0, 9))),
    min_size=1,
    max_size=4,
)


def episode(span, *, over):
    began, lasts, total, peak = span
    first = minute_of(NOW) + began
    ended = first + lasts if over else None
    return Episode(first, first + 2, total, total / 7, peak / 4, ended, last_total=total // 2, last_expected=total / 9)


def sightings(tick):
    found = []
    for which in sorted(tick):
        ended, on, level = tick[which]
        seen = NOW + 2 * LAST * MINUTE
        some = [episode(span, over=True) for span in sorted(ended)] + ([episode(on, over=False)] if on else [])
        level = level if which < PAGING else Surge.Level.PAGE
        found += [Sighting(SERIES[which], one, seen, level) for one in some]
    return found


def rows():
    names = ("began_at", "ended_at", "peak_ratio", "total", "expected", "senders", "senders_at", "level")
    values = ("series", *names, "detected_at", "dismissed_at", "parent__series", "parent__began_at")
    return sorted(Surge.objects.values_list(*values), key=str)


def outcome(history, steps):
    """The rows after each tick, in which `steps` keeps what was met; what a manager dismisses lies between ticks."""
    found = []
    with transaction.atomic():
        now = NOW
        for tick, dismissed in history:
            now += LAST * MINUTE
            steps(sightings(tick), now)
            people.refresh(now)
            found.append(rows())
            known = list(Surge.objects.order_by("series", "began_at", "pk"))
            pks = [surge.pk for n, surge in enumerate(known) if n in dismissed]
            Surge.objects.filter(pk__in=pks).update(dismissed_at=now)
        transaction.set_rollback(True)
    return found


def one_by_one(found, now):
    for one in found:
        surges.keep([one], now)


@settings(max_examples=promised(60, 20), deadline=None)
@given(ticks)
def test_many_are_kept_as_one_after_the_other(history):
    people_of_a_day()
    try:
        expected = outcome(history, one_by_one)
    except IntegrityError:
        # Two of a series on at once: no detector says so.
        assume(False)
    assert outcome(history, surges.keep) == expected


def people_of_a_day():
    """Some come twice, some are unknown, some are about a topic."""
    if Arrival.objects.exists():
        return
    dice = random.Random(1)
    for n in range(60):
        at = NOW + dice.random() * LAST * MINUTE
        who = dice.choice(("+12025550101", "+12025550102", f"+1202555{n:04d}"))
        contacts([at], line=dice.choice(("a", "b", "")), sender=who)
    topic = Topic.objects.create(key="login", name="Login", words=["login"])
    for pk in Arrival.objects.values_list("pk", flat=True)[::4]:
        topic.arrivals.add(pk)
    Arrival.objects.filter(pk__in=list(Arrival.objects.values_list("pk", flat=True)[::7])).update(sender="")


stretches = st.tuples(st.sampled_from(SERIES), st.integers(0, LAST), st.integers(1, LAST))


@settings(max_examples=promised(40, 15), deadline=None)
@given(st.lists(stretches, max_size=12))
def test_people_of_many_stretches_are_those_of_each(some):
    people_of_a_day()
    asked = [(series, NOW + start * MINUTE, NOW + (start + lasts) * MINUTE) for series, start, lasts in some]
    each = [counts.distinct_senders(start, end, series) for series, start, end in asked]
    assert people.counted(asked) == each


def queries(number, total=30, ended=None):
    """Queries of keeping a surge on all channels, and on so many lines."""
    at = minute_of(NOW)
    found = [Episode(at, at + 2, total, 3.0, 9.0, ended and at + ended, last_total=total) for _ in range(number + 1)]
    some = [Sighting(f"line:{n}" if n else "all", one, NOW + 9 * MINUTE) for n, one in enumerate(found)]
    with CaptureQueriesContext(connection) as seen:
        surges.keep(some, NOW + 9 * MINUTE)
        people.refresh(NOW + 9 * MINUTE)
    return len(seen)


def test_queries_do_not_grow_with_the_surges_that_begin_go_on_and_end():
    contacts([NOW + n * MINUTE for n in range(9)], line="1")
    spent = {}
    for number in (1, 30):
        with transaction.atomic():
            spent[number] = [queries(number), queries(number, total=40), queries(number, total=50, ended=8)]
            assert Surge.objects.exclude(ended_at=None).exclude(parent=None).count() == number
            assert Surge.objects.get(series="line:1").senders == 8
            transaction.set_rollback(True)
    assert spent[1] == spent[30]
    assert max(spent[30]) < 12


def test_a_large_surge_that_goes_on_is_counted_anew_when_it_has_grown_by_a_tenth_and_at_its_end():
    contacts([NOW + n * MINUTE for n in range(9)])
    large = {"series": "all", "began_at": NOW, "detected_at": NOW, "seen_at": NOW + 4 * MINUTE}
    surge = Surge.objects.create(**large, total=2 * people.SMALL)

    def counted(**values):
        Surge.objects.update(**values)
        people.refresh(NOW + 20 * MINUTE)
        surge.refresh_from_db()
        return surge.senders, surge.senders_at

    # Up to where its total holds, though more have come.
    first = counted()
    assert first == (4, 4000)
    assert counted(seen_at=NOW + 6 * MINUTE, total=4399) == first
    assert counted(total=4400) == (6, 4400)
    assert counted(ended_at=NOW + 5 * MINUTE, total=4300) == (5, 4300)
    assert people.refresh(NOW + 20 * MINUTE) == 0


@pytest.mark.parametrize(("series", "people_now"), [("medium:phone", 6), ("line:a", 4)])
def test_a_small_one_is_always_counted_where_it_pages(series, people_now):
    contacts([NOW + n * MINUTE for n in range(9)], line="a")
    Surge.objects.create(series=series, began_at=NOW, detected_at=NOW, seen_at=NOW + 4 * MINUTE, total=1000)
    assert people.refresh() == 1
    Surge.objects.update(seen_at=NOW + 6 * MINUTE, total=1001)
    people.refresh()
    assert Surge.objects.get().senders == people_now


def test_figures_of_parts_are_written_together_and_nothing_else_of_them():
    at = minute_of(NOW)
    spent = []
    for number in (1, 30):
        rows = [Surge(series=f"line:{number}:{n}", began_at=NOW, detected_at=NOW, senders=3) for n in range(number)]
        made = Surge.objects.bulk_create(rows)
        # A manager speaks between the reading of a tick and its writing, and one is there no more.
        Surge.objects.filter(pk=made[0].pk).update(dismissed_at=NOW)
        parts = [(surge.pk, Episode(at, at, 70, 7.25, 9.5), NOW) for surge in made]
        with CaptureQueriesContext(connection) as seen:
            surges.keep_figures([*parts, (10**6, *parts[0][1:])])
        spent.append(len(seen))
        written = Surge.objects.filter(pk__in=[pk for pk, *_ in parts])
        assert set(written.values_list("peak_ratio", "expected", "total", "senders")) == {(9.5, 7.25, 70, 3)}
        assert Surge.objects.get(pk=made[0].pk).dismissed_at == NOW
    assert not Surge.objects.filter(pk=10**6).exists()
    assert spent[0] == spent[1]
