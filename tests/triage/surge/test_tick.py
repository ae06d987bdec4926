"""The founding day in simulated time: ten ordinary days, a flood of four minutes, one surge, told once, ended once."""

from datetime import timedelta

import pytest
from django.db import transaction

from tests.house import person
from tests.triage.surge.traffic import NOW, contacts, flood, learned, ordinary, tick
from tickets.models import Arrival, CountsAs, Outgoing
from triage.models import SeriesState, Surge
from triage.surge import verdicts
from triage.surge.watching import Watching

# In one process, which works ten days out once (traffic.learned).
pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("ten days")]
TEN_SECONDS = timedelta(seconds=10)
MINUTE = timedelta(minutes=1)


def ticks(start, end, every=TEN_SECONDS):
    at = start
    while at <= end:
        tick(at)
        yield at
        at += every


def mails():
    """Subjects of what managers were told about surges."""
    rows = Outgoing.objects.filter(kind="alert", group__startswith="alert:surge")
    return list(rows.order_by("pk").values_list("subject", flat=True))


@pytest.fixture
def ten_days():
    """Ten ordinary days, counted and learned."""
    person("manager")
    learned(10)
    assert not Surge.objects.exists()
    assert SeriesState.objects.get(series="all").minute == NOW - 2 * MINUTE


def test_the_flood_is_one_surge_noticed_within_two_minutes_and_told_once(ten_days):
    begins = NOW + timedelta(seconds=3)
    at = NOW
    while not Surge.objects.exists():
        assert at < begins + 2 * MINUTE, "not noticed within two minutes"
        at += TEN_SECONDS
        flood(max(at - TEN_SECONDS, begins), at, seed=at.second)
        tick(at)
    surge = Surge.objects.get(series="all")
    assert abs(surge.began_at - begins) <= MINUTE
    assert surge.detected_at == at
    assert len(mails()) == 1
    assert mails()[0].startswith("Surge x")
    while at < begins + 4 * MINUTE:
        at += TEN_SECONDS
        flood(at - TEN_SECONDS, at, seed=at.second + at.minute)
        tick(at)
    for _ in ticks(at, at + 50 * MINUTE, MINUTE):
        pass
    surge.refresh_from_db()
    assert surge.ended_at is not None
    assert abs(surge.ended_at - (begins + 4 * MINUTE)) <= 2 * MINUTE
    assert Surge.objects.filter(series="all").count() == 1
    assert not Surge.objects.filter(parent=None).exclude(pk=surge.pk).exists()
    # Seventy a minute where two are usual at ten on a Monday.
    assert 20 < surge.peak_ratio < 50
    assert abs(surge.total - 280) < 60
    assert surge.senders == surge.total
    assert [subject.split(" (")[0] for subject in mails()][1:] == ["The surge is over"]


def test_the_running_minutes_are_told_apart_from_doubtful_ones(ten_days):
    """A burst of one sender, or one batch, opens nothing."""
    contacts([NOW + timedelta(seconds=n / 10) for n in range(600)], "mail_webhook", sender="one@customer.example")
    contacts([NOW + 2 * MINUTE] * 80)
    for _ in ticks(NOW, NOW + 10 * MINUTE, 2 * TEN_SECONDS):
        pass
    assert not Surge.objects.exists()


def test_thousands_of_bounces_and_automatic_answers_open_and_prolong_nothing(ten_days):
    for kind in (CountsAs.BOUNCE, CountsAs.AUTOMATIC, CountsAs.BULK_ANSWER, CountsAs.STEP, CountsAs.SIMULATED):
        contacts([NOW + timedelta(seconds=n / 2) for n in range(300)], "mail_webhook", counts_as=kind)
    for _ in ticks(NOW, NOW + 5 * MINUTE):
        pass
    assert not Surge.objects.exists()


def test_what_a_spool_brings_back_within_the_hour_is_judged_as_if_it_had_come_in_time(ten_days):
    """The database was away for six minutes of a flood; the drained arrivals have the times they happened at."""
    away = NOW + 6 * MINUTE
    tick(away)
    assert not Surge.objects.exists()
    flood(NOW, away)
    tick(away + TEN_SECONDS)
    surge = Surge.objects.get(series="all")
    assert abs(surge.began_at - NOW) <= MINUTE
    assert len(mails()) == 1


def test_history_that_is_written_after_the_detectors_began_is_learned():
    contacts([NOW - timedelta(hours=1), NOW])
    tick(NOW + MINUTE)
    ordinary(10, until=NOW)
    tick(NOW + MINUTE + TEN_SECONDS)
    tick(NOW + 3 * MINUTE)
    flood(NOW + 3 * MINUTE, NOW + 5 * MINUTE)
    tick(NOW + 5 * MINUTE)
    assert Surge.objects.filter(series="all").count() == 1


def test_a_glance_that_the_complete_minutes_do_not_bear_out_is_closed(ten_days):
    flood(NOW + MINUTE, NOW + 2 * MINUTE + timedelta(seconds=30))
    tick(NOW + 2 * MINUTE + timedelta(seconds=15))
    assert Surge.objects.filter(ended_at=None).exists()
    # All of it turns out to be answers of machines.
    Arrival.objects.filter(happened_at__gte=NOW + MINUTE).update(counts_as=CountsAs.AUTOMATIC, counted=False)
    for _ in ticks(NOW + 3 * MINUTE, NOW + 8 * MINUTE, 3 * TEN_SECONDS):
        pass
    assert not Surge.objects.filter(ended_at=None).exists()
    assert len(mails()) == 2


def test_a_surge_seen_at_a_glance_is_not_told_smaller_until_complete_minutes_say_so(ten_days):
    """The first complete minute is one in which nothing had begun yet: the mean of ten minutes is no news."""
    flood(NOW, NOW + 5 * MINUTE)
    tick(NOW - TEN_SECONDS)
    shown = []
    for _ in ticks(NOW + TEN_SECONDS, NOW + 4 * MINUTE):
        if Surge.objects.filter(series="all").exists():
            shown.append(SeriesState.objects.get(series="all").ratio)
    assert len(shown) > 10
    assert min(shown) >= 0.8 * shown[-1] > 10


def test_a_surge_in_a_past_that_is_read_in_one_piece_is_kept_and_pages_nobody():
    person("manager")
    ordinary(10)
    flood(NOW - timedelta(days=1), NOW - timedelta(days=1) + timedelta(hours=1), per_minute=15)
    tick(NOW)
    surge = Surge.objects.get(series="all")
    assert surge.ended_at is not None
    assert abs(surge.ended_at - surge.began_at - timedelta(hours=1)) <= 5 * MINUTE
    assert surge.detected_at - surge.began_at <= 3 * MINUTE
    assert mails() == []
    tick(NOW + MINUTE)
    assert Surge.objects.filter(series="all").count() == 1


def test_a_dismissed_surge_ends_in_silence(ten_days):
    begins = NOW + MINUTE
    flood(begins, begins + 2 * MINUTE)
    tick(begins + 2 * MINUTE)
    surge = Surge.objects.get(series="all")
    assert len(mails()) == 1
    verdicts.dismiss(surge, person("manager"))
    for _ in ticks(begins + 3 * MINUTE, begins + 45 * MINUTE, MINUTE):
        pass
    surge.refresh_from_db()
    assert surge.ended_at is not None
    assert len(mails()) == 1


def test_the_parts_of_a_surge_are_folded_into_it(ten_days):
    begins = NOW + MINUTE
    flood(begins, begins + 5 * MINUTE)
    for _ in ticks(begins, begins + 5 * MINUTE, 3 * TEN_SECONDS):
        pass
    whole = Surge.objects.get(series="all")
    assert {surge.series for surge in whole.children.all()} == {"medium:phone", "medium:email"}
    assert len(mails()) == 1


def test_the_alert_explains_itself(ten_days, settings):
    begins = NOW + MINUTE
    flood(begins, begins + 3 * MINUTE)
    tick(begins + 3 * MINUTE)
    surge = Surge.objects.get(series="all")
    text = Outgoing.objects.get(kind="alert").text
    assert f"{settings.PUBLIC_URL}/surges/{surge.pk}/" in text
    assert f"{settings.PUBLIC_URL}/incidents/enter/" in text
    assert f"{surge.senders} different people" in text
    assert "Phone ×" in text
    assert "since 10:01" in text


def test_a_tick_with_nothing_new_costs_a_few_queries(ten_days, django_assert_max_num_queries):
    tick(NOW + 2 * TEN_SECONDS)
    with django_assert_max_num_queries(12):
        tick(NOW + 3 * TEN_SECONDS)


def test_a_repeated_tick_changes_nothing(ten_days):
    begins = NOW + MINUTE
    flood(begins, begins + 3 * MINUTE)
    tick(begins + 3 * MINUTE)
    before = list(Surge.objects.values()), list(SeriesState.objects.order_by("pk").values())
    tick(begins + 3 * MINUTE)
    assert (list(Surge.objects.values()), list(SeriesState.objects.order_by("pk").values())) == before
    assert len(mails()) == 1


class Killed(BaseException):
    """The process ends here."""


def die(*_, **__):
    raise Killed


def rows():
    states = SeriesState.objects.order_by("series").values_list("series", "minute", "ratio", "expected")
    names = ("series", "began_at", "ended_at", "peak_ratio", "total", "senders", "parent__series")
    return sorted(Surge.objects.values_list(*names), key=str), list(states)


@pytest.mark.parametrize("remembers", [True, False], ids=["the same process", "another process"])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("counts", "recount"),
        ("surges", "keep"),
        ("silence", "note"),
        ("notices", "follow"),
        ("clock", "next_turn"),
        ("silence", "tell"),
        ("telling", "tell"),
        ("telling.alerts", "notify"),
    ],
)
def test_what_a_tick_that_was_killed_left_undone_the_next_one_does(ten_days, monkeypatch, module, name, remembers):
    flood(NOW, NOW + 4 * MINUTE)
    watching, at = Watching(), NOW + 4 * MINUTE + 2 * TEN_SECONDS
    tick(NOW - MINUTE, watching)
    with transaction.atomic():
        tick(at, Watching())
        undisturbed, told = rows(), mails()
        transaction.set_rollback(True)
    assert len(told) == 1
    with monkeypatch.context() as patched:
        patched.setattr(f"triage.surge.{module}.{name}", die)
        with pytest.raises(Killed):
            tick(at, watching)
    assert mails() == []
    for _ in range(2):
        tick(at, watching if remembers else Watching())
        assert rows() == undisturbed
        assert mails() == told


HOURS = 5
BACK = NOW + timedelta(hours=HOURS)


@pytest.mark.parametrize("remembers", [True, False], ids=["the same process", "another process"])
@pytest.mark.parametrize(
    ("began", "ended", "told"),
    [
        pytest.param(BACK - timedelta(hours=3), BACK - timedelta(hours=2), [], id="over long ago: history"),
        pytest.param(BACK - 5 * MINUTE, BACK, ["Surge x"], id="on since just now"),
    ],
)
def test_after_hours_in_which_nobody_ticked(ten_days, began, ended, told, remembers):
    watching = Watching()
    tick(NOW, watching)
    ordinary(HOURS / 24, until=BACK, seed=3)
    flood(began, ended)
    for n in range(3):
        tick(BACK + n * TEN_SECONDS, watching if remembers else Watching())
    surge = Surge.objects.get(series="all")
    assert abs(surge.began_at - began) <= 2 * MINUTE
    assert (surge.ended_at is None) == (ended == BACK)
    assert [subject[:7] for subject in mails()] == told


@pytest.mark.parametrize("remembers", [True, False], ids=["the same process", "another process"])
def test_a_surge_that_ended_while_nobody_ticked_is_told_to_be_over_once_and_when_it_was(ten_days, remembers):
    watching, over = Watching(), NOW + timedelta(hours=1)
    flood(NOW, over)
    ordinary(HOURS / 24, until=BACK, seed=3)
    Arrival.objects.filter(happened_at__gte=NOW + 5 * MINUTE).update(counted=True)
    tick(NOW + 5 * MINUTE, watching)
    assert len(mails()) == 1
    Arrival.objects.filter(happened_at__gte=NOW + 5 * MINUTE).update(counted=False)
    for n in range(3):
        tick(BACK + n * TEN_SECONDS, watching if remembers else Watching())
        assert SeriesState.objects.get(series="all").ratio < 4, "the peak of hours ago is not what is on now"
    surge = Surge.objects.get(series="all")
    assert surge.ended_at is not None
    assert abs(surge.ended_at - over) <= 3 * MINUTE
    assert [subject.split(" (")[0] for subject in mails()][1:] == ["The surge is over"]
