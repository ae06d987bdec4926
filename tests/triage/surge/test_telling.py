"""What managers are told of surges: when, how loudly, and in words that explain themselves."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.house import person, ticket
from tickets.models import Outgoing
from triage import alerts
from triage.alerting import acknowledging
from triage.models import Alert, SeriesState, Surge
from triage.surge import surges, telling, verdicts
from triage.surge.baseline import minute_of
from triage.surge.excursions import Episode
from triage.surge.telling import Known, news, sampled
from voice.segments import segments

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TOLD = {"told": "page", "told_at": NOW - 2 * HOUR, "told_peak": 10.0, "peak": 12.0, "fresh": False}


@pytest.mark.parametrize(
    ("surge", "said"),
    [
        (Known("page"), "began"),
        (Known("notice"), "noticed"),
        (Known("page", fresh=False), ""),
        (Known("page", dismissed=True), ""),
        (Known("page", over=True), ""),
        # A notice that grows is a page; a page says nothing more while it goes on.
        (Known("page", told="notice", told_at=NOW), "began"),
        (Known("notice", told="notice", told_at=NOW), ""),
        (Known("page", **TOLD), ""),
        # A doubled peak is news once the first hour is over.
        (Known("page", **TOLD | {"peak": 20.0}), "doubled"),
        (Known("page", **TOLD | {"peak": 19.9}), ""),
        (Known("page", **TOLD | {"peak": 20.0, "told_at": NOW - MINUTE}), ""),
        (Known("notice", **TOLD | {"told": "notice", "peak": 30.0}), ""),
        # It is over, once.
        (Known("page", **TOLD, over=True), "ended"),
        (Known("notice", **TOLD | {"told": "notice"}, over=True), "ended"),
        (Known("page", **TOLD, over=True, end_told=True), ""),
        # It goes on after its end was told: quietly, unless it is much higher.
        (Known("page", **TOLD, end_told=True), "resumed"),
        (Known("page", **TOLD | {"peak": 21.0, "told_at": NOW - MINUTE}, end_told=True), "doubled"),
        # What a manager dismissed ends in silence, and speaks again only at twice the height.
        (Known("page", **TOLD, dismissed=True, over=True), "dropped"),
        (Known("page", **TOLD, dismissed=True), ""),
        (Known("page", **TOLD | {"peak": 20.0, "told_at": NOW}, dismissed=True), "doubled"),
    ],
)
def test_what_is_news(surge, said):
    assert news(surge, NOW) == said


def a_surge(**values) -> Surge:
    now = timezone.now()
    SeriesState.objects.get_or_create(series="all", defaults={"ratio": 11.4, "expected": 14 / 60})
    SeriesState.objects.get_or_create(series="medium:phone", defaults={"ratio": 20.2, "expected": 4 / 60})
    SeriesState.objects.get_or_create(series="medium:email", defaults={"ratio": 3.1, "expected": 6 / 60})
    SeriesState.objects.get_or_create(series="medium:web", defaults={"ratio": 1.1, "expected": 4 / 60})
    facts = {"series": "all", "began_at": now - 40 * MINUTE, "detected_at": now, "peak_ratio": 13.0}
    return Surge.objects.create(**facts | {"total": 160, "expected": 14.0, "senders": 143} | values)


def said() -> list[str]:
    return list(Alert.objects.order_by("pk").values_list("subject", flat=True))


def test_nobody_is_told_of_no_people_before_they_were_counted(client):
    surge = a_surge(senders=0)
    assert telling.tell() == 1
    alert = Alert.objects.get()
    assert "email x3" in alert.subject
    assert "people" not in alert.subject
    assert "146 more than expected." in alert.text
    client.force_login(person("manager"))
    for address in (reverse("control"), reverse("surge", args=[surge.pk])):
        page = client.get(address).content.decode()
        assert "<strong>–</strong><span>different people" in page
        assert "from 0 different" not in page


@pytest.fixture(autouse=True)
def boss(db):
    return person("manager", "Maya Okafor")


def test_a_page_explains_itself(settings):
    for n in range(3):
        ticket(
            "Calendar does not load", waiting=5, text=f"Only a spinner, {n}. Call +1 202 555 0134 or me@here.example"
        )
    surge = a_surge()
    assert telling.tell(timezone.now()) == 1
    alert = Alert.objects.get()
    began = timezone.localtime(surge.began_at)
    assert alert.subject == (
        f"Surge x11 since {began:%H:%M}: 160 an hour, 14 expected, phone x20, email x3, 143 people"
    )
    assert f"Expected 14 an hour, now 160: ×11 since {began:%H:%M} on {began:%A}" in alert.text
    assert "Phone ×20, Email ×3." in alert.text
    assert "146 more than expected, from 143 different people" in alert.text
    assert "- Calendar does not load (3 people)" in alert.text
    assert alert.text.count("- Calendar does not load: Only a spinner,") == 3
    assert "555" not in alert.text
    assert "here.example" not in alert.text
    assert f"{settings.PUBLIC_URL}/surges/{surge.pk}/" in alert.text
    assert f"{settings.PUBLIC_URL}/incidents/enter/?surge={surge.pk}" in alert.text
    assert "I am on it:" in Outgoing.objects.get().text
    assert telling.tell(timezone.now()) == 0


def test_times_are_the_business_s():
    with timezone.override("Asia/Kolkata"):
        a_surge(began_at=datetime(2026, 11, 23, 4, 12, tzinfo=UTC))
        telling.tell(timezone.now())
        assert "since 09:42" in said()[0]
        assert "since 09:42 on Monday, 23 November (IST)" in Alert.objects.get().text


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"level": "notice"},
        {"series": "medium:phone", "senders": 123_456_789},
        {"told_level": "page", "told_peak": 2000.0, "peak_ratio": 123_456.0, "alerted_at": NOW},
        {"told_level": "page", "told_peak": 1000.0, "peak_ratio": 1000.0, "alerted_at": NOW, "end_alerted_at": NOW},
        {"told_level": "page", "ended_at": NOW, "total": 123_456_789, "peak_ratio": 123_456.0},
    ],
    ids=["began", "noticed", "channel", "doubled", "resumed", "ended"],
)
def test_the_first_line_fits_one_text_message_even_unanswered(values):
    SeriesState.objects.create(series="all", ratio=123_456.0, expected=123_456.0)
    surge = a_surge(**values)
    if surge.told_level and not surge.end_alerted_at:
        alerts.notify(telling.kind_of(surge), "Surge", "Text", surge=surge)
    assert telling.tell(timezone.now()) == 1
    alert = Alert.objects.latest("pk")
    subject = alert.end_subject or alert.subject
    assert len(subject) > 20
    assert segments(f"Unanswered: {subject}") == 1


def test_it_is_told_once_and_its_end_once():
    surge = a_surge()
    telling.tell(timezone.now())
    Surge.objects.update(ended_at=timezone.now(), expected=14.0)
    assert telling.tell(timezone.now()) == 1
    assert telling.tell(timezone.now()) == 0
    mails = list(Outgoing.objects.order_by("pk").values_list("subject", flat=True))
    assert [subject.split(" (")[0].split(" x")[0] for subject in mails] == ["Surge", "The surge is over"]
    assert Alert.objects.get().ended_at is not None
    assert telling.kind_of(surge) == Alert.objects.get().kind


def test_a_second_watch_at_the_same_moment_tells_nothing():
    surge = a_surge()
    stale = Surge.objects.get()
    assert telling._say_once(surge, "began", timezone.now())
    assert not telling._say_once(stale, "began", timezone.now())
    assert Outgoing.objects.count() == 1


def test_what_is_dismissed_at_this_moment_is_not_told(boss):
    surge = a_surge()
    stale = Surge.objects.get()
    verdicts.dismiss(surge, boss)
    assert not telling._say_once(stale, "began", timezone.now())
    assert not Outgoing.objects.exists()


def test_a_notice_pages_nobody_and_becomes_a_page_when_it_grows():
    a_surge(level="notice")
    telling.tell(timezone.now())
    assert [(alert.level, alert.subject.split(":")[0]) for alert in Alert.objects.all()] == [
        ("notice", "Busier than usual")
    ]
    assert acknowledging.unanswered() is None
    Surge.objects.update(level="page")
    telling.tell(timezone.now())
    assert Alert.objects.filter(ended_at=None).get().level == "page"
    assert len(said()) == 2


def test_a_surge_that_goes_on_after_its_end_was_told_is_a_notice_and_one_of_twice_the_height_a_page():
    a_surge()
    now = timezone.now()
    telling.tell(now)
    Surge.objects.update(ended_at=now)
    telling.tell(now)
    Surge.objects.update(ended_at=None)
    assert telling.tell(now + HOUR) == 1
    assert telling.tell(now + HOUR) == 0
    Surge.objects.update(ended_at=now + HOUR)
    telling.tell(now + HOUR)
    Surge.objects.update(ended_at=None, peak_ratio=26.0)
    assert telling.tell(now + 2 * HOUR) == 1
    assert list(Alert.objects.order_by("pk").values_list("level", flat=True)) == ["page", "notice", "page"]
    assert [subject.split(":")[0] for subject in said()][1:] == ["The surge goes on", "Surge has grown to x26"]
    assert Alert.objects.exclude(end_told_at=None).count() == 2


def test_within_the_first_hour_a_rising_peak_is_no_news_and_later_a_doubled_one_is():
    a_surge()
    now = timezone.now()
    telling.tell(now)
    Surge.objects.update(peak_ratio=90.0)
    assert telling.tell(now + 10 * MINUTE) == 0
    assert Surge.objects.get().told_peak == 90.0
    Surge.objects.update(peak_ratio=170.0)
    assert telling.tell(now + 3 * HOUR) == 0, "less than twice of what they know"


def test_a_channel_that_managers_know_of_is_not_told_again_as_all_channels():
    child = a_surge(series="medium:phone")
    now = timezone.now()
    telling.tell(now)
    whole = a_surge()
    Surge.objects.filter(pk=child.pk).update(parent=whole)
    telling.tell(now)
    assert Outgoing.objects.count() == 1
    alert = Alert.objects.get()
    assert (alert.kind, alert.surge, alert.ended_at) == (f"surge:{whole.pk}", whole, None)
    Surge.objects.update(ended_at=now)
    telling.tell(now)
    assert Outgoing.objects.count() == 2
    assert telling.tell(now) == 0


def test_a_channel_s_notice_is_part_of_the_page_of_all_and_its_end_is_told_once():
    child = a_surge(series="medium:phone", level="notice")
    now = timezone.now()
    telling.tell(now)
    whole = a_surge()
    Surge.objects.filter(pk=child.pk).update(parent=whole)
    telling.tell(now)
    assert [alert.level for alert in Alert.objects.filter(kind=f"surge:{whole.pk}").order_by("pk")] == [
        "notice",
        "page",
    ]
    Surge.objects.update(ended_at=now)
    telling.tell(now)
    assert Outgoing.objects.count() == 3
    assert not Alert.objects.filter(ended_at=None).exists()


def test_lines_page_nobody_and_parts_are_told_with_the_whole():
    whole = a_surge(alerted_at=timezone.now(), told_level="page", told_peak=13.0)
    a_surge(series="line:main")
    a_surge(series="medium:phone", parent=whole)
    assert telling.tell(timezone.now()) == 0


def test_telling_looks_with_one_query_while_nothing_is_new(django_assert_num_queries):
    a_surge(alerted_at=timezone.now(), told_level="page", told_peak=13.0)
    with django_assert_num_queries(1):
        telling.tell(timezone.now())


@pytest.mark.parametrize(
    ("written", "topics", "lines"),
    [
        ([], [], []),
        ([(1, "A", "b"), (1, "B", "c")], [], ["A: b"]),
        ([(1, "A", "b"), (2, "A", "b"), (3, "C", "d")], [], ["A: b", "C: d"]),
        ([(1, "A", ""), (2, "", "b"), (3, "", ""), (4, "C", "c"), (5, "D", "d")], [], ["A", "b", "C: c"]),
        ([(1, "A", "a"), (2, "B", "b"), (3, "Login fails", "c")], ["login fails"], ["Login fails: c", "A: a", "B: b"]),
        ([(1, "Mail me@here.example", "or +44 (0)20 7946-0800 now")], [], ["Mail …: or … now"]),
        ([(1, "A", "Reference 8dd12345678afcd, 0151 2345678.")], [], ["A: Reference 8dd12345678afcd, …."]),
        ([(1, "See https://x.example/?u=1", "order 12 of 3")], [], ["See …: order 12 of 3"]),
        ([(1, "x" * 200, "two\nlines")], [], ["x" * 99 + "…: two lines"]),
    ],
)  # fmt: skip
def test_samples_are_of_different_people_and_without_addresses(written, topics, lines):
    assert sampled(written, topics) == lines


def test_samples_of_a_channel_are_the_channel_s():
    ticket("By mail", medium="email")
    ticket("By form", medium="web")
    assert telling.samples(a_surge(series="medium:web"), []) == ["By form: Only a spinner since this morning."]


def episode(began: datetime, peak: float = 12.0, ended: datetime | None = None) -> Episode:
    at = minute_of(began)
    end = minute_of(ended) if ended else None
    return Episode(at, at + 2, 100, 10.0, peak, end, last_total=100, last_expected=10.0)


def keep(series: str, episode: Episode, seen: datetime, now: datetime, level: str = Surge.Level.PAGE) -> Surge:
    [kept] = surges.keep([surges.Sighting(series, episode, seen, level)], now)
    return kept


def test_what_comes_back_soon_after_a_manager_dismissed_it_is_the_same_and_stays_silent(boss):
    surge = keep("all", episode(NOW), NOW + 2 * MINUTE, NOW + 2 * MINUTE)
    Surge.objects.update(dismissed_at=NOW + 3 * MINUTE, dismissed_by=boss, told_peak=12.0, ended_at=NOW + 5 * MINUTE)
    again = keep("all", episode(NOW + HOUR), NOW + HOUR, NOW + HOUR)
    assert again.pk == surge.pk
    assert telling.tell(NOW + HOUR) == 0
    keep("all", episode(NOW + HOUR, peak=24.0), NOW + HOUR, NOW + HOUR)
    assert telling.tell(NOW + HOUR) == 1
    assert Surge.objects.get().dismissed_at is None
    assert said()[0].startswith("Surge has grown to x24")


def test_hours_later_it_is_another():
    surge = keep("all", episode(NOW, ended=NOW + HOUR), NOW + HOUR, NOW + HOUR)
    Surge.objects.update(dismissed_at=NOW)
    later = NOW + 5 * HOUR
    assert keep("all", episode(later), later, later).pk != surge.pk


def test_a_page_is_no_part_of_a_mere_notice():
    whole = keep("all", episode(NOW), NOW, NOW, Surge.Level.NOTICE)
    child = keep("medium:phone", episode(NOW), NOW, NOW)
    quiet = keep("medium:email", episode(NOW), NOW, NOW, Surge.Level.NOTICE)
    assert (child.parent, quiet.parent) == (None, whole)
    keep("all", episode(NOW), NOW, NOW)
    assert whole.children.count() == 2
    assert keep("all", episode(NOW), NOW, NOW, Surge.Level.NOTICE).level == "page", "a page stays one"
