"""Minutes without a heartbeat are missing and not zero, for what usually comes that way, and silence is an alarm."""

from datetime import timedelta

import pytest

from tests.house import person
from tests.triage.surge.traffic import NOW, contacts, ordinary, tick
from tickets import heartbeats
from tickets.models import Outgoing
from triage.models import Gap, HourCount, MinuteCount, SeriesState, Silence, Surge
from triage.surge import gaps, silence, sources
from triage.surge.baseline import minute_of
from triage.surge.follower import ALIVE, Follower, detector_of
from triage.surge.gaps import blinded, shares
from triage.surge.watching import Watching

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
BOX = "support@mail.example/INBOX"
SUMS = {"medium:phone": 600, "medium:email": 300, "medium:web": 100, f"line:{BOX}": 240}


@pytest.mark.parametrize(
    ("dead", "missing"),
    [
        ([], set()),
        (["voice"], {"all", "medium:phone", "medium:text"}),
        (["front"], {"medium:web"}),
        ([f"mailbox:{BOX}"], {f"line:{BOX}", "medium:email"}),
        (["front", f"mailbox:{BOX}"], {f"line:{BOX}", "medium:email", "medium:web"}),
        (["front", "voice"], {"all", "medium:phone", "medium:text", "medium:web"}),
    ],
)
def test_a_series_is_missing_when_most_of_it_comes_through_what_is_dead(dead, missing):
    assert blinded(dead, shares(SUMS, [BOX])) == missing


def test_where_nothing_has_come_yet_a_channel_belongs_to_its_door():
    assert blinded(["voice"], shares({}, [])) >= {"medium:phone", "medium:text"}
    assert "medium:api" not in blinded(["voice", "front"], shares({}, []))
    assert blinded(["front", "voice"], shares({}, [])) >= {"all", "medium:email", "medium:web"}


@pytest.mark.parametrize(
    ("series", "scope"),
    [
        ("all", "all"),
        ("medium:web", "medium:web"),
        ("line:main", "medium:phone"),
        (f"line:{BOX}", f"line:{BOX}"),
        ("line:support@example.com", "medium:email"),
        ("topic:sign-in", "all"),
    ],
)
def test_lines_and_topics_share_the_gaps_of_what_they_are_part_of(series, scope):
    assert gaps.scope_of(series) == scope


def test_a_source_is_missing_where_it_gave_no_heartbeat_from_its_first_on():
    heartbeats.beat("front", NOW + 2 * MINUTE, NOW + 2 * MINUTE)
    heartbeats.beat("front", NOW + 4 * MINUTE, NOW + 4 * MINUTE)
    # So soon after the last that it was alive in between.
    heartbeats.beat("front", NOW + 12 * MINUTE, NOW + 13 * MINUTE)
    found = heartbeats.missing(NOW, NOW + 14 * MINUTE, ["front", "voice"])
    assert sorted(found) == [NOW + n * MINUTE for n in (5, 6, 7, 8, 9, 10, 11, 14)]
    assert heartbeats.missing(NOW, NOW + 14 * MINUTE, ["voice"]) == {}


def test_the_clock_decides_once_what_is_missing_and_gaps_grow(settings):
    settings.TWILIO_AUTH_TOKENS = ["token"]
    HourCount.objects.create(series="medium:phone", hour=NOW, arrivals=90, senders=90)
    for source in ("front", "voice"):
        heartbeats.beat(source, NOW, NOW)
    watching = Watching()
    for n in range(2, 8):
        heartbeats.beat("front", NOW + n * MINUTE, NOW + n * MINUTE)
        tick(NOW + n * MINUTE + timedelta(seconds=25), watching)
    # A minute's heartbeat that comes after the minute was judged changes nothing.
    heartbeats.beat("voice", NOW + 4 * MINUTE, NOW + 6 * MINUTE)
    tick(NOW + 8 * MINUTE + timedelta(seconds=25), watching)
    found = {(gap.scope, gap.began, gap.until) for gap in Gap.objects.all()}
    assert ("medium:phone", NOW + 2 * MINUTE, NOW + 8 * MINUTE) in found
    assert {scope for scope, _, _ in found} == {"all", "medium:phone", "medium:text"}


def fed(counts: dict[int, int], missing: list[tuple[int, int]]) -> Follower:
    start = minute_of(NOW)
    follower = Follower("all", detector_of({}), 0.0, counts={start + at: number for at, number in counts.items()})
    follower.follow(start + 59, [(start + began, start + until) for began, until in missing], 1, 1000)
    return follower


def test_missing_minutes_teach_nothing():
    counts = dict.fromkeys(range(0, 60, 4), 1)
    half = {n: number for n, number in counts.items() if n < 30}
    blind, zero = fed(half, [(30, 60)]).detector, fed(half, []).detector
    assert blind.baseline.save()["overall"][1] == pytest.approx(30, rel=0.01)
    assert zero.baseline.save()["overall"][1] == pytest.approx(45, rel=0.01)


def test_quiet_minutes_of_a_gap_do_not_go_missing_alone():
    """Where few come, a minute in which somebody did is missing like its neighbours: else only busy ones counted."""
    few = fed(dict.fromkeys(range(0, 60, 5), 1), [(0, 60)])
    assert few.detector.baseline.save()["overall"] == [0.0, 0.0]
    assert few.silent is None


def test_a_flood_is_seen_though_the_heartbeat_drowns_in_it():
    crowd = fed(dict.fromkeys(range(20, 60), ALIVE), [(0, 60)])
    assert crowd.silent is not None


def test_a_day_without_heartbeats_is_not_learned_as_a_quiet_one(settings):
    settings.TWILIO_AUTH_TOKENS = ["token"]
    ordinary(4)
    watching = Watching()
    tick(NOW, watching)
    before = watching.followers["all"].detector.expect(NOW, 60, 24)
    for source in ("front", "voice"):
        heartbeats.beat(source, NOW - MINUTE, NOW - MINUTE)
    tick(NOW + timedelta(days=1), watching)
    after = watching.followers["all"].detector.expect(NOW, 60, 24)
    assert sum(m for m, _, _ in after) == pytest.approx(sum(m for m, _, _ in before), rel=0.1)
    assert not Surge.objects.exists()


def alerts() -> list[str]:
    return list(Outgoing.objects.filter(kind="alert").order_by("pk").values_list("subject", flat=True))


def test_a_door_that_gives_no_heartbeat_alarms_once_and_tells_once_when_it_is_back(settings):
    person("manager")
    settings.TWILIO_AUTH_TOKENS = ["token"]
    heartbeats.beat("voice", NOW, NOW)
    for n in range(1, 12):
        heartbeats.missed("voice", "https://x does not answer: ConnectTimeout", NOW + n * MINUTE)
        silence.tell(NOW + n * MINUTE)
        assert len(alerts()) == (1 if n >= 6 else 0)
    assert alerts() == ["The telephone's webhooks gives no sign of life since 10:00"]
    assert "ConnectTimeout" in Outgoing.objects.get(kind="alert").text
    heartbeats.beat("voice", NOW + 12 * MINUTE, NOW + 12 * MINUTE)
    for n in range(12, 15):
        silence.tell(NOW + n * MINUTE)
    assert alerts()[1:] == ["The telephone's webhooks answers again"]
    assert Silence.objects.get().ended_at == NOW + 12 * MINUTE


def test_what_is_not_set_up_any_more_alarms_nobody(settings):
    person("manager")
    settings.TWILIO_AUTH_TOKENS = []
    heartbeats.missed("voice", "no token", NOW)
    silence.tell(NOW + 30 * MINUTE)
    assert alerts() == []
    assert sources.expected() == ["front"]


def test_silence_where_much_is_expected_alarms_once_for_all_channels_and_ends():
    person("manager")
    ordinary(4, per_day=2000)
    watching = Watching()
    for n in range(0, 40, 3):
        tick(NOW + n * MINUTE, watching)
    assert alerts() == ["Silence on all channels since 09:59"]
    assert {one.what for one in Silence.objects.all()} >= {"all", "medium:phone"}
    for channel in ("call", "mail_webhook", "web_form"):
        contacts([NOW + n * MINUTE for n in range(37, 43)], channel)
    tick(NOW + 46 * MINUTE, watching)
    assert alerts()[1:] == ["The silence on all channels is over"]


def test_a_past_that_is_being_written_is_no_silence():
    person("manager")
    watching = Watching()
    ordinary(4, until=NOW - timedelta(hours=3), per_day=2000)
    tick(NOW, watching)
    assert Silence.objects.filter(what="all", ended_at=None).exists()
    ordinary(1, until=NOW, per_day=2000, seed=5)
    for n in range(1, 8):
        contacts([NOW + n * MINUTE], "call")
        tick(NOW + (n + 1) * MINUTE, watching)
    assert not Silence.objects.filter(what="all", ended_at=None).exists()
    assert [one for one in alerts() if "all channels" in one] == []


def test_silence_of_one_line_says_which():
    person("manager")
    ordinary(4, per_day=300)
    contacts([NOW - timedelta(days=4) + n * MINUTE for n in range(4 * 1440)], line="main")
    watching = Watching()
    for n in range(0, 40, 4):
        contacts([NOW + n * MINUTE + timedelta(seconds=40 * s) for s in range(5)], "web_form")
        tick(NOW + (n + 4) * MINUTE, watching)
    assert [one for one in alerts() if "line" in one] == ["Silence on line main since 09:59"]


def test_a_thousand_lines_that_fall_silent_and_come_back_ask_no_more_than_one(django_assert_num_queries):
    def followers(number, silent):
        found = [Follower(f"line:{n}", detector_of({}), 0.0, silent=silent) for n in range(number)]
        for one in found:
            one.detector.minute = minute_of(NOW)
        return found

    names = [f"line:{n}" for n in range(30)]
    SeriesState.objects.bulk_create(SeriesState(series=name, minute=NOW) for name in names)
    heard = [
        MinuteCount(series=name, minute=NOW - n * MINUTE, arrivals=1, senders=1) for n, name in enumerate(names[:29], 3)
    ]
    MinuteCount.objects.bulk_create(heard)
    for number in (1, 30):
        with django_assert_num_queries(3):
            silence.note(followers(number, True), NOW)
        fallen = dict(Silence.objects.filter(ended_at=None).values_list("what", "since"))
        # Who has never been heard fell silent now.
        assert fallen == {name: NOW - n * MINUTE if n < 32 else NOW for n, name in enumerate(names[:number], 3)}
        with django_assert_num_queries(2):
            silence.note(followers(number, False), NOW)
        assert not Silence.objects.filter(ended_at=None).exists()
