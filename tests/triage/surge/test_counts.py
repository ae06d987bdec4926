"""The counts are what a plain reading of the journal gives, whatever comes late, changes or happens at once."""

import threading
from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from tests.triage.surge.traffic import NOW, contacts, ordinary
from tickets import intake
from tickets.models import Arrival, CountsAs, Topic
from triage.models import Clock, HourCount, LateCount, MinuteCount
from triage.surge import counts

pytestmark = pytest.mark.django_db
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def plain() -> dict:
    """What the counts ought to be, read in the most simple way."""
    arrivals, senders = Counter(), defaultdict(set)
    for one in Arrival.objects.filter(counts_as__in=["", "contact"]):
        names = ["all", f"medium:{one.medium}", *([f"line:{one.line}"] if one.line else [])]
        names += [f"topic:{topic.key}" for topic in one.topics.all()]
        for name in names:
            key = name, one.happened_at.replace(second=0, microsecond=0)
            arrivals[key] += 1
            senders[key].add(one.sender or one.pk)
    return {key: (number, len(senders[key])) for key, number in arrivals.items()}


def kept() -> dict:
    rows = MinuteCount.objects.exclude(arrivals=0)
    return {(row.series, row.minute): (row.arrivals, row.senders) for row in rows}


def hours() -> dict:
    rows = HourCount.objects.exclude(arrivals=0)
    return {(row.series, row.hour): (row.arrivals, row.senders) for row in rows}


def by_the_hour() -> dict:
    """What the hours ought to be: their minutes' sums."""
    found = defaultdict(lambda: (0, 0))
    for (name, minute), (arrivals, senders) in kept().items():
        before = found[name, minute.replace(minute=0)]
        found[name, minute.replace(minute=0)] = before[0] + arrivals, before[1] + senders
    return dict(found)


def test_series_arrivals_and_different_people():
    contacts([NOW, NOW + SECOND], line="main")
    contacts([NOW] * 3, "mail_webhook", sender="ten@times.example")
    contacts([NOW + MINUTE], "web_form", sender="ten@times.example")
    counts.recount()
    assert kept() == plain()
    assert kept()["all", NOW] == (5, 3)
    assert kept()["line:main", NOW] == (2, 2)
    assert kept()["medium:email", NOW] == (3, 1)
    assert hours() == by_the_hour()
    assert hours()["all", NOW] == (6, 4)


@pytest.mark.parametrize("counts_as", [one for one in CountsAs if one != CountsAs.CONTACT])
def test_only_contacts_count(counts_as):
    contacts([NOW, NOW], counts_as=counts_as)
    assert counts.recount() == {}
    assert kept() == {}


def test_what_is_not_understood_yet_counts_until_it_turns_out_to_be_no_contact():
    ids = contacts([NOW, NOW], "mail_webhook", counts_as="")
    assert counts.recount()["all"] == {NOW: 2}
    Arrival.objects.filter(pk=ids[0]).update(counts_as=CountsAs.BOUNCE, counted=False)
    assert counts.recount()["all"] == {NOW: -1}
    assert kept()["all", NOW] == (1, 1)
    assert hours() == {("all", NOW): (1, 1), ("medium:email", NOW): (1, 1)}


def test_understanding_a_bounce_takes_it_out_of_the_counts():
    (pk,) = contacts([NOW], "mail_pipe", counts_as="")
    counts.recount()
    row = Arrival.objects.get(pk=pk)
    assert row.counted
    intake.understand(pk)
    row.refresh_from_db()
    assert not row.counted, "understanding asks for its minute to be counted anew"


def test_what_comes_late_lands_in_the_minute_it_happened_in():
    contacts([NOW])
    counts.recount()
    contacts([NOW - timedelta(hours=5)])
    assert counts.recount()["all"] == {NOW - timedelta(hours=5): 1}
    assert kept() == plain()
    assert hours() == by_the_hour()


def test_an_hour_that_is_there_moves_without_its_minutes_being_read():
    contacts([NOW + n * MINUTE for n in range(30)], line="main")
    counts.recount()
    contacts([NOW + 5 * MINUTE, NOW + 31 * MINUTE])
    with CaptureQueriesContext(connection) as seen:
        counts.recount()
    assert hours() == by_the_hour()
    assert not [one["sql"] for one in seen if "SUM(" in one["sql"] and "minutecount" in one["sql"]]


def test_a_recount_with_nothing_new_costs_next_to_nothing(django_assert_max_num_queries):
    ordinary(1)
    counts.recount()
    with django_assert_max_num_queries(6):
        assert counts.recount() == {}


def test_the_cost_is_in_what_is_new_not_in_the_history(django_assert_max_num_queries):
    contacts([NOW])
    counts.recount()
    contacts([NOW])
    with django_assert_max_num_queries(20) as few:
        counts.recount()
    ordinary(2)
    counts.recount()
    contacts([NOW])
    with django_assert_max_num_queries(len(few)):
        counts.recount()


def test_the_projection_can_be_thrown_away():
    ordinary(1, until=counts.floor(NOW))
    contacts([NOW], line="main")
    counts.recount()
    before = kept()
    Arrival.objects.update(counted=True)
    MinuteCount.objects.update(arrivals=7)
    HourCount.objects.filter(series="all").update(arrivals=3)
    HourCount.objects.filter(series="line:main").delete()
    counts.rebuild()
    assert kept() == plain() == before
    assert hours() == by_the_hour()


def test_rebuilding_what_is_right_tells_the_detectors_nothing():
    ordinary(1)
    counts.recount()
    Clock.objects.update(minute=NOW)
    counts.rebuild()
    assert not LateCount.objects.exists()
    MinuteCount.objects.filter(series="all").update(senders=F("senders") + 1)
    wrong = MinuteCount.objects.filter(series="all").count()
    counts.rebuild()
    assert kept() == plain()
    assert set(LateCount.objects.values_list("series", "more")) == {("all", -1)}
    assert LateCount.objects.count() == wrong


def test_minutes_are_forgotten_hours_are_not():
    contacts([NOW - timedelta(days=91), NOW])
    counts.recount(NOW - timedelta(days=2))
    assert counts.forget(NOW) == 2
    assert list(MinuteCount.objects.values_list("minute", flat=True).distinct()) == [NOW]
    assert HourCount.objects.filter(series="all").count() == 2
    # A change in a minute that is kept no longer leaves its hour as it was.
    Arrival.objects.update(counted=False)
    counts.recount(NOW)
    assert HourCount.objects.filter(series="all").count() == 2


def door():
    """Journals on two lines."""
    for batch in range(15):
        contacts([NOW + timedelta(seconds=7 * n) for n in range(20)], line=f"l{batch % 2}", counts_as="")


def reader():
    """Changes its mind of what is a contact."""
    for turn in range(15):
        some = Arrival.objects.order_by("-pk").values_list("pk", flat=True)[:10]
        kind = CountsAs.BOUNCE if turn % 2 else CountsAs.CONTACT
        Arrival.objects.filter(pk__in=list(some)).update(counts_as=kind, counted=False)


def namer():
    """Decides what messages are about, and thinks better of it."""
    link, topic = Topic.arrivals.through, Topic.objects.get()
    for turn in range(10):
        ids = list(Arrival.objects.order_by("-pk").values_list("pk", flat=True)[: 10 + turn])
        with transaction.atomic():
            if turn % 3 == 2:
                link.objects.filter(arrival_id__in=ids[:5]).delete()
            link.objects.bulk_create([link(topic=topic, arrival_id=pk) for pk in ids[5:]], ignore_conflicts=True)
            Arrival.objects.filter(pk__in=ids).update(counted=False)


def rebuilder():
    for _ in range(4):
        counts.rebuild()


@pytest.mark.django_db(transaction=True)
def test_counting_while_others_write_and_count_ends_exact():
    """Two recounts and a rebuilding at once, beside doors that journal and readers that change their mind."""
    stop, faults = threading.Event(), []
    Topic.objects.create(key="sign-in", name="Sign-in", words=["login"])

    def counter():
        while not stop.is_set():
            counts.recount(NOW)

    def guarded(work):
        def run():
            try:
                work()
            except Exception as error:  # noqa: BLE001
                faults.append(error)
            finally:
                connections.close_all()

        return threading.Thread(target=run)

    counters = [guarded(counter), guarded(counter)]
    writers = [guarded(work) for work in (door, reader, door, namer, rebuilder)]
    for thread in counters + writers:
        thread.start()
    for thread in writers:
        thread.join(60)
    stop.set()
    for thread in counters:
        thread.join(60)
    assert faults == []
    while counts.recount(NOW):
        pass
    assert_exact()
    connection.close()


def assert_exact():
    assert not Arrival.objects.filter(counted=False).exists()
    assert kept() == plain()
    assert any(name == "topic:sign-in" for name, _ in kept())
    assert hours() == by_the_hour()
    before = kept()
    counts.rebuild()
    assert kept() == before
