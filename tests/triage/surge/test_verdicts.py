"""What managers say of surges is kept, undone, heard by the detector at its minute, and asked for on plain pages."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.house import person
from tests.triage.surge.traffic import NOW, contacts, flood, learned, tick
from tickets.models import AuditEntry, Outgoing
from triage import alerts
from triage.models import Alert, MinuteCount, SeriesState, Surge, SurgeWord
from triage.surge import counts, surges, telling, verdicts
from triage.surge.baseline import minute_of
from triage.surge.detector import Detector
from triage.surge.tick import WATCHING

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
QUARTER = NOW - 15 * MINUTE


@pytest.fixture
def boss():
    return person("manager", "Maya Okafor")


@pytest.fixture
def signed_in(client, boss):
    client.force_login(boss)
    return client


def a_surge(**values) -> Surge:
    now = timezone.now()
    facts = {"series": "all", "began_at": now - 20 * MINUTE, "detected_at": now, "peak_ratio": 12.0, "total": 100}
    return Surge.objects.create(**facts | values)


def words() -> list[tuple[str, str]]:
    return list(SurgeWord.objects.order_by("pk").values_list("series", "word"))


class Listener(Detector):
    """Remembers what it heard before which minute."""

    def dismiss(self, minute: int) -> None:
        self.zone.heard.append(("dismiss", minute))

    def declare(self, began: int, minute: int):
        self.zone.heard.append(("declare", began, minute))


class Ears:
    def __init__(self):
        self.heard = []


def test_a_word_is_heard_at_its_minute_once_in_a_pass_and_again_in_a_replay(boss):
    began = NOW - 30 * MINUTE
    surge = a_surge(began_at=began)
    for at, word in ((NOW + timedelta(seconds=40), "dismiss"), (NOW + 3 * MINUTE, "declare")):
        SurgeWord.objects.create(surge=surge, series="all", word=word, at=at, began_at=began)
    once = [("dismiss", minute_of(NOW)), ("declare", minute_of(began), minute_of(NOW + 3 * MINUTE))]

    def run(start: datetime, end: datetime) -> list:
        ears = Ears()
        said = verdicts.said(NOW - 60 * MINUTE)["all"]
        while start <= end:
            verdicts.heed(Listener(ears), said, start)
            start += MINUTE
        return ears.heard

    assert run(NOW - 5 * MINUTE, NOW - MINUTE) == []
    assert run(NOW, NOW + MINUTE) == once[:1]
    assert run(NOW + 2 * MINUTE, NOW + 5 * MINUTE) == once[1:]
    assert run(NOW - 60 * MINUTE, NOW + 5 * MINUTE) == once
    assert verdicts.said(NOW - MINUTE).keys() == {"all"}
    assert not verdicts.said(NOW + 5 * MINUTE)


def test_a_dismissal_is_said_of_the_parts_too_stops_what_waits_and_is_undone(boss):
    surge = a_surge()
    a_surge(series="medium:phone", parent=surge)
    a_surge(series="medium:email", parent=surge, ended_at=NOW)
    telling.tell(timezone.now())
    verdicts.dismiss(surge, boss)
    verdicts.dismiss(surge, boss)
    assert words() == [("all", "dismiss"), ("medium:phone", "dismiss")]
    assert Alert.objects.get().acknowledged_by == boss
    surge.refresh_from_db()
    assert (surge.dismissed_by, surge.told_peak) == (boss, 12.0)
    assert not Surge.objects.on().exists()
    verdicts.take_back(surge, boss)
    verdicts.take_back(surge, boss)
    assert words()[2:] == [("all", "declare")]
    assert SurgeWord.objects.latest("pk").began_at == surge.began_at
    assert Surge.objects.on().get() == surge
    actions = ["alert.acknowledge", "surge.dismiss", "surge.take_back"]
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == actions


def test_what_is_over_is_taken_back_without_being_declared_anew(boss):
    surge = a_surge(dismissed_at=timezone.now(), ended_at=timezone.now())
    verdicts.take_back(surge, boss)
    assert words() == []


def test_a_declared_surge_is_a_row_with_its_first_figures_and_is_told(boss):
    now = counts.floor(timezone.now())
    SeriesState.objects.create(series="all", expected=0.5, ratio=3.0)
    contacts([now - timedelta(minutes=n, seconds=1) for n in range(10) for _ in range(3)])
    counts.recount()
    surge = verdicts.declare("all", now - 10 * MINUTE + timedelta(seconds=20), boss, "The login host is down")
    assert (surge.began_at, surge.total, surge.senders) == (now - 10 * MINUTE, 30, 30)
    assert 4.9 < surge.expected < 6.1
    assert 4.5 < surge.peak_ratio < 6.5
    assert (surge.declared_by, surge.level) == (boss, "page")
    assert words() == [("all", "declare")]
    assert telling.tell(timezone.now()) == 1
    assert "Maya Okafor says that this is one: The login host is down." in Outgoing.objects.get().text
    assert AuditEntry.objects.get(action="surge.declare").detail["why"] == "The login host is down"


def test_a_declared_surge_waits_for_the_detector_and_a_dismissed_one_does_not(boss):
    surge = verdicts.declare("all", timezone.now(), boss)
    notice = a_surge(series="medium:phone", level="notice")
    for one in (surge, notice):
        surges.close_unconfirmed([one.pk], timezone.now())
        one.refresh_from_db()
        assert one.ended_at is None
    verdicts.dismiss(surge, boss)
    surge.refresh_from_db()
    surges.close_unconfirmed([surge.pk], timezone.now())
    surge.refresh_from_db()
    assert surge.ended_at is not None


def test_without_telling_nobody_hears_of_its_beginning_or_its_end(boss):
    surge = verdicts.declare("all", timezone.now() - MINUTE, boss, tell=False)
    assert telling.tell(timezone.now()) == 0
    verdicts.end(surge, boss)
    telling.tell(timezone.now())
    assert not Outgoing.objects.exists()


def test_it_is_over_when_the_manager_says_so_and_those_who_were_told_hear_it(boss):
    surge = verdicts.declare("all", timezone.now() - MINUTE, boss)
    telling.tell(timezone.now())
    verdicts.end(surge, boss)
    verdicts.end(surge, boss)
    telling.tell(timezone.now())
    assert [mail.subject[:17] for mail in Outgoing.objects.order_by("pk")][1:] == ["The surge is over"]
    assert words() == [("all", "declare"), ("all", "dismiss")]
    assert AuditEntry.objects.filter(action="surge.end").count() == 1


def test_what_the_detector_found_is_not_ended_by_hand(boss):
    surge = a_surge()
    verdicts.end(surge, boss)
    surge.refresh_from_db()
    assert surge.ended_at is None


@pytest.mark.parametrize(
    ("standing", "refused"), [({}, True), ({"level": "notice"}, False), ({"dismissed_at": NOW}, False)]
)
def test_one_surge_of_a_series_is_on_at_a_time(boss, standing, refused):
    a_surge(**standing)
    if refused:
        with pytest.raises(verdicts.Refused, match="on here already"):
            verdicts.declare("all", timezone.now(), boss)
    else:
        verdicts.declare("all", timezone.now(), boss)
    assert Surge.objects.on().count() == 1
    assert Surge.objects.filter(ended_at=None).count() == 1


def test_what_lies_ahead_is_no_surge(boss):
    with pytest.raises(verdicts.Refused, match="future"):
        verdicts.declare("all", timezone.now() + 5 * MINUTE, boss)
    assert not Surge.objects.exists()


# ── with the detector ────────────────────────────────────────────────────────────────────────────────────────────────


def ticks(start: datetime, end: datetime) -> None:
    while start <= end:
        tick(start)
        start += MINUTE


@pytest.mark.xdist_group("ten days")
def test_a_declared_surge_is_followed_and_ended_by_the_detector(boss, time_machine_at):
    learned(10)
    began = NOW - 5 * MINUTE
    with time_machine_at(NOW + timedelta(seconds=30)):
        surge = verdicts.declare("all", began, boss)
    ticks(NOW + MINUTE, NOW + 3 * MINUTE)
    surge.refresh_from_db()
    assert surge.ended_at is None
    assert WATCHING.followers["all"].detector.episode.began == minute_of(began)
    # What had been learned of its quarter of an hour is counted with it.
    seen = MinuteCount.objects.filter(series="all", minute__lte=NOW + MINUTE)
    since, quarter = ([*seen.filter(minute__gte=at).values_list("senders", flat=True)] for at in (began, QUARTER))
    assert sum(since) <= surge.total <= sum(quarter)
    ticks(NOW + 4 * MINUTE, NOW + 90 * MINUTE)
    surge.refresh_from_db()
    assert surge.ended_at is not None
    assert Surge.objects.filter(series="all").count() == 1


@pytest.mark.xdist_group("ten days")
def test_a_dismissed_surge_is_gone_from_the_detector_and_pages_nobody_while_it_goes_on(boss, time_machine_at):
    learned(10)
    flood(NOW, NOW + 20 * MINUTE, per_minute=30)
    ticks(NOW, NOW + 4 * MINUTE)
    surge = Surge.objects.get(series="all")
    assert Outgoing.objects.count() == 1
    with time_machine_at(NOW + 4 * MINUTE + timedelta(seconds=10)):
        verdicts.dismiss(surge, boss)
    ticks(NOW + 5 * MINUTE, NOW + 45 * MINUTE)
    assert WATCHING.followers["all"].detector.episode is None
    assert Surge.objects.filter(series="all").count() == 1
    # That nobody comes after the flood is another matter.
    assert Outgoing.objects.exclude(subject__startswith="Silence").count() == 1
    assert not Alert.objects.filter(ended_at=None, surge__isnull=False).exists()


@pytest.fixture
def time_machine_at():
    return lambda at: time_machine.travel(at, tick=False)


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def page(client, path: str) -> str:
    return " ".join(client.get(path).content.decode().split())


def local(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%dT%H:%M}"


def test_a_manager_says_that_this_is_one_and_takes_it_back(signed_in):
    assert "This is a surge…" in page(signed_in, "/control/")
    assert "All channels" in page(signed_in, "/surges/declare/")
    form = {"series": "all", "began_at": local(timezone.now() - 10 * MINUTE), "why": "Login <down>", "tell": "on"}
    answer = signed_in.post("/surges/declare/", form)
    surge = Surge.objects.get()
    assert answer["Location"] == f"/surges/{surge.pk}/"
    text = page(signed_in, f"/surges/{surge.pk}/")
    assert "Maya Okafor said at" in text
    assert "Login &lt;down&gt;" in text
    assert "It is over" in text
    assert "This is a surge…" not in page(signed_in, "/control/")
    signed_in.post(f"/surges/{surge.pk}/dismiss/")
    assert "Not a surge" in page(signed_in, f"/surges/{surge.pk}/")
    signed_in.post(f"/surges/{surge.pk}/take-back/")
    signed_in.post(f"/surges/{surge.pk}/end/")
    surge.refresh_from_db()
    assert surge.ended_at is not None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"began_at": "yesterday"}, "Enter a valid date/time"),
        ({"began_at": "2126-01-01T10:00"}, "This is in the future."),
        ({"began_at": "2020-01-01T10:00"}, "more than a week ago"),
        ({"began_at": ""}, "Say since when"),
        ({"series": "line:nowhere"}, "Select a valid choice"),
        ({"why": "x" * 201}, "at most 200 characters"),
    ],
)
def test_what_is_wrong_is_named_and_what_was_written_is_kept(signed_in, wrong, said):
    form = {"series": "all", "began_at": local(timezone.now()), "why": "Because of it"} | wrong
    answer = signed_in.post("/surges/declare/", form)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert form["why"] in answer.content.decode()
    assert not Surge.objects.exists()


def test_where_one_is_on_already_the_form_says_so(signed_in):
    a_surge()
    answer = signed_in.post("/surges/declare/", {"series": "all", "began_at": local(timezone.now())})
    assert answer.status_code == 422
    assert "A surge is on here already." in answer.content.decode()


def test_agents_say_nothing_of_surges(client):
    surge = a_surge()
    client.force_login(person("agent"))
    assert client.get("/surges/declare/").status_code == 403
    for verb in ("dismiss", "take-back", "end"):
        assert client.post(f"/surges/{surge.pk}/{verb}/").status_code == 403
    assert "This is a surge…" not in page(client, "/control/")


def test_a_notice_turns_no_page_amber_and_offers_no_details_but_its_own(signed_in):
    surge = a_surge(level="notice")
    assert 'class="state "' in page(signed_in, "/control/")
    assert "This is not a surge" not in page(signed_in, "/control/")
    assert "notice only" in page(signed_in, f"/surges/{surge.pk}/")


def test_incident_mode_is_offered_for_the_surge_that_an_alert_names(signed_in):
    first = a_surge(began_at=datetime(2026, 11, 22, tzinfo=UTC))
    second = a_surge(series="medium:phone", began_at=datetime(2026, 11, 23, 4, 12, tzinfo=UTC))
    assert f'name="surge" value="{second.pk}"' in page(signed_in, f"/incidents/enter/?surge={second.pk}")
    assert "2026-11-23T04:12" in page(signed_in, f"/incidents/enter/?surge={second.pk}")
    for odd in ("", "?surge=", "?surge=x", "?surge=999999", "?surge=" + "9" * 40):
        assert f'name="surge" value="{first.pk}"' in page(signed_in, f"/incidents/enter/{odd}")


def test_alerts_of_a_surge_stand_on_its_page(signed_in):
    surge = a_surge()
    alerts.notify("surge:x", "It is high", "Text", surge=surge)
    text = page(signed_in, f"/surges/{surge.pk}/")
    assert "It is high" in text
    assert "I’m on it" in text
