"""The control room says what is the case, in a constant number of queries, and acts for managers only."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.house import person, problem, ticket
from tests.triage.surge.traffic import contacts
from tickets import spool
from tickets.models import AuditEntry, Outgoing, WorkState
from triage import alerts
from triage.control import headline
from triage.health import health
from triage.models import HourCount, Incident, Lease, MinuteCount, SeriesState, Silence, Surge, SurgeTerms, Update
from triage.surge import about, counts
from voice.models import Announcement, Line

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client):
    user = person("manager", "Maya Okafor")
    client.force_login(user)
    return user


def a_surge(**values):
    now = timezone.now()
    SeriesState.objects.get_or_create(series="all", defaults={"ratio": 94.2})
    SeriesState.objects.get_or_create(series="medium:phone", defaults={"ratio": 131})
    facts = {"began_at": now - timedelta(minutes=20), "detected_at": now - timedelta(minutes=18)}
    facts |= {"peak_ratio": 107.3, "total": 1316, "expected": 14, "senders": 870, "series": "all"}
    return Surge.objects.create(**(facts | values))


def terms(surge, number=1):
    """What the surge is about: so many terms, each with a ticket."""
    found = [
        {"words": [f"word {n}"], "people": 50, "share": 0.83, "ordinary": 0.012, "score": 9, "samples": [ticket().pk]}
        for n in range(number)
    ]
    values = {"at": timezone.now(), "people": 60, "ordinary": 900, "terms": found, "rule": found[0]}
    return SurgeTerms.objects.update_or_create(surge=surge, defaults=values)[0]


def page(client, path="/control/"):
    response = client.get(path)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


@pytest.mark.parametrize(
    ("times", "surging", "mood"),
    [
        (None, False, "unknown"),
        (0.2, False, "quiet"),
        (1.0, False, "usual"),
        (1.7, False, "more"),
        (8.0, False, "more"),
        (94.0, True, "surge"),
        (1.5, True, "surge"),
        (1.2, True, "ebbing"),
        (0.0, True, "ebbing"),
    ],
)
def test_the_mood_of_the_headline(times, surging, mood):
    assert headline(times, "phone", surging=surging).mood == mood


def test_the_sentence_says_how_much_and_what(client, manager):
    contacts([timezone.now() - timedelta(seconds=30)] * 8)
    counts.recount()
    a_surge()
    text = page(client)
    assert "<h1>About 94 times the usual volume, mostly calls </h1>" in text.replace("calls</h1>", "calls </h1>")
    assert "peak ×107" in text
    assert "1,316 requests where 14 were expected" in text
    assert "Phone</dt><dd>×131" in text
    assert "8</strong><span>requests in the last hour" in text


@pytest.mark.parametrize(
    ("expected", "said"), [(0.2, "hardly any were"), (0.5, "1 was"), (1.4, "1 was"), (1.6, "2 were"), (14, "14 were")]
)
def test_a_surge_is_told_beside_what_was_expected(client, manager, expected, said):
    a_surge(expected=expected)
    assert f"1,316 requests where {said} expected" in page(client)


def test_there_are_never_more_people_than_requests(client, manager):
    contacts([timezone.now() - timedelta(seconds=90)] * 8)
    counts.recount()
    contacts([timezone.now() - timedelta(seconds=30)] * 5)  # not counted yet
    text = page(client)
    assert "8</strong><span>requests in the last hour" in text
    assert "8</strong><span>different people in the last hour" in text


def test_a_surge_that_ebbs_is_not_shown_as_burning(client, manager):
    contacts([timezone.now() - timedelta(seconds=90)] * 8)
    counts.recount()
    surge = a_surge()
    assert '<strong class="warm">×94' in page(client)
    SeriesState.objects.filter(series="all").update(ratio=0.0)
    text = page(client)
    assert surge.ended_at is None
    assert "<strong>×0.0</strong>" in text


def test_a_new_installation_says_that_it_does_not_know_yet(client, manager):
    text = page(client)
    assert "<h1>What is usual is not known yet" in text
    assert "what is usual now is not known yet</span>" in text
    assert "0</strong><span>requests in the last hour</span>" in text
    assert text.count("What is usual is not known yet: it is learned") == 2
    assert 'class="band"' not in text
    assert "expected" not in text.lower()
    assert "Surge</h2>" not in text


def test_the_queries_do_not_grow_with_what_is_there(client, manager):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            page(client)
        return len(seen)

    surge = a_surge()
    terms(surge, number=1)
    Line.objects.create(key="a", name="A", number="+12025550100")
    incident = Incident.objects.create(problem=problem(), started_at=timezone.now(), entered_at=timezone.now())
    page(client)
    few = queries()
    now = timezone.now().replace(second=0, microsecond=0)
    HourCount.objects.bulk_create(
        HourCount(series=f"medium:{medium}", hour=now.replace(minute=0) - timedelta(hours=n), arrivals=n, senders=n)
        for medium in ("phone", "email", "web")
        for n in range(300)
    )
    MinuteCount.objects.bulk_create(
        MinuteCount(series="medium:phone", minute=now - timedelta(minutes=n), arrivals=n, senders=n) for n in range(300)
    )
    terms(surge, number=8)
    for n in range(13):
        Update.objects.create(incident=incident, status="investigating", body=f"News {n}", at=now)
    for n in range(3):
        ticket()
        alerts.notify("test", f"Subject {n}", "Text")
        Line.objects.create(key=f"l{n}", name=f"L{n}", number=f"+1202555011{n}")
        a_surge(ended_at=timezone.now())
    assert queries() == few


def test_the_living_part_is_polled_and_answers_304_while_nothing_changes(client, manager):
    # A page is rendered anew each half minute: one may begin between two requests.
    with time_machine.travel(timezone.now(), tick=False):
        first = client.get("/control/?live")
        again = client.get("/control/?live", headers={"If-None-Match": first["ETag"]})
    assert b"<html" not in first.content
    assert b'hx-get="/control/?live"' in first.content
    assert again.status_code == 304


def test_the_tables_say_what_the_charts_show(client, manager):
    contacts([timezone.now() - timedelta(minutes=2)] * 5, "mail_webhook")
    counts.recount()
    text = page(client, "/control/?table")
    assert "<svg" not in text.partition("<main")[2]
    assert text.count('<td class="num"><strong>5</strong></td>') == 2
    assert 'class="area email"' in page(client)


def test_a_surge_that_ebbs_is_not_called_more_than_usual(client, manager):
    a_surge()
    SeriesState.objects.filter(series="all").update(ratio=0.0)
    text = page(client)
    assert "No more than usual just now, and the surge is not over yet" in text
    assert "More than usual" not in text


def test_a_manager_dismisses_a_surge_and_takes_it_back(client, manager):
    surge = a_surge()
    assert "This is not a surge" in page(client)
    assert client.post(f"/surges/{surge.pk}/dismiss/").status_code == 302
    text = page(client)
    assert "Maya Okafor said so" in text
    assert "About 94 times" not in text
    client.post(f"/surges/{surge.pk}/take-back/")
    assert "This is not a surge" in page(client)
    assert list(AuditEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "surge.dismiss",
        "surge.take_back",
    ]
    assert client.post(f"/surges/{surge.pk}/nonsense/").status_code == 404


def test_an_agent_sees_and_does_not_decide(client):
    client.force_login(person("agent"))
    surge = a_surge()
    text = page(client)
    assert "About 94 times" in text
    assert "This is not a surge" not in text
    assert client.post(f"/surges/{surge.pk}/dismiss/").status_code == 403
    assert "Not a surge?" not in page(client, f"/surges/{surge.pk}/")


def test_the_page_of_a_surge_shows_its_parts(client, manager):
    whole = a_surge()
    a_surge(series="line:main", parent=whole, total=600)
    text = page(client, f"/surges/{whole.pk}/")
    assert "Line main" in text
    assert "×107" in text


def test_incident_mode_and_lines_are_told(client, manager):
    line = Line.objects.create(key="uk", name="Support UK", number="+442079460800")
    trouble = problem("Logins failing")
    Announcement.objects.create(line=line, problem=trouble, since=timezone.now())
    incident = Incident.objects.create(
        problem=trouble, started_at=timezone.now(), entered_at=timezone.now(), entered_by=manager
    )
    text = page(client)
    assert "announcing" in text
    assert f"/incidents/{incident.pk}/leave/" in text
    assert text.count("Logins failing") >= 2
    assert 'class="mark"' in text


def test_a_silence_that_managers_were_told_of_is_named_until_it_is_over(client):
    client.force_login(person("agent"))
    at = timezone.now() - timedelta(minutes=30)
    Silence.objects.create(what="medium:phone", since=at, alerted_at=at)
    Silence.objects.create(what="heartbeat:voice", since=at, alerted_at=at)
    Silence.objects.create(what="medium:web", since=at)
    page = client.get("/control/").content.decode()
    assert "Silence: phone" in page
    assert "Silence: The telephone" in page
    assert "Silence: web" not in page


def test_what_is_in_doubt_is_counted_and_named(client, manager, settings):
    now = timezone.now()
    assert health(now).worst == "bad", "the watch has never been seen"
    Lease.objects.create(name="watch", holder="x", until=now + timedelta(seconds=20))
    assert (health(now).worst, health(now).in_doubt) == ("good", 0)
    alerts.notify("test", "Subject", "Text")
    Outgoing.objects.update(state=WorkState.UNCERTAIN, due_at=now)
    bad = spool.bad_folder()
    bad.mkdir(parents=True)
    (bad / "x.json").write_text("{}")
    assert (health(now).worst, health(now).in_doubt) == ("bad", 2)
    assert "in doubt" in page(client)


def test_a_watch_that_fell_silent_is_told():
    now = timezone.now()
    Lease.objects.create(name="watch", holder="x", until=now - timedelta(minutes=5))
    assert [check.value for check in health(now).checks if check.name == "Watch"] == ["silent for 5 min"]


def test_what_people_write_about_stands_beside_the_chart(client, manager):
    surge = a_surge()
    assert "Nobody wrote yet" not in page(client), "nothing is claimed before it was worked out"
    terms(surge)
    text = page(client)
    assert 'word 0</th><td class="num"><strong>83 %</strong></td><td class="num">1.2 %</td>' in text
    assert "83 % of the surge, 1.2 % of an ordinary week" in text
    assert "/incidents/enter/?words=word+0" in text
    Surge.objects.update(ended_at=timezone.now())
    assert "word 0" not in page(client)


def test_the_living_part_moves_when_other_words_rise(client, manager, django_capture_on_commit_callbacks):
    surge = a_surge()
    tag = client.get("/control/?live")["ETag"]
    for n in range(3):
        ticket("Teapot", waiting=1, address=f"t{n}@example.org")
    with django_capture_on_commit_callbacks(execute=True):
        about.refresh()
    response = client.get("/control/?live", headers={"If-None-Match": tag})
    assert response.status_code == 200
    assert b"teapot" in response.content
    assert SurgeTerms.objects.get().surge == surge


def test_the_page_of_a_surge_links_samples_of_its_words(client, manager):
    surge = a_surge()
    sample = terms(surge).terms[0]["samples"][0]
    text = page(client, f"/surges/{surge.pk}/")
    assert f'href="/desk/tickets/{sample}/"' in text or f"/tickets/{sample}/" in text
    assert "83 % of the surge" in text


def test_an_agent_is_not_offered_to_enter_incident_mode_for_words(client):
    client.force_login(person("agent"))
    terms(a_surge())
    text = page(client)
    assert "word 0" in text
    assert "words=word" not in text


def test_thirteen_updates_are_numbered_in_the_chart_and_listed_by_number(client, manager):
    now = timezone.now()
    incident = Incident.objects.create(
        problem=problem("Logins failing"), started_at=now, entered_at=now - timedelta(days=3), left_at=now
    )
    for n in range(13):
        at = now - timedelta(days=3) + timedelta(hours=5.4 * n)
        Update.objects.create(incident=incident, status="investigating", body=f"News {n + 1}.", at=at)
    text = page(client)
    assert text.count('<line class="told"') >= 2 * 13
    for n in range(1, 14):
        assert f'<th scope="row" class="num">{n}</th>' in text
        assert f"News {n}." in text
    assert '<rect class="incident"' in text
    assert "<title>Incident mode: Logins failing</title>" in text
    assert '<th scope="row" class="num">13</th>' in page(client, "/control/?table"), "the text alternative has them too"


def test_charts_tell_a_pointer_their_figures(client, manager):
    contacts([timezone.now() - timedelta(seconds=90)] * 7)
    counts.recount()
    assert "7 (phone 7, email 0, web 0)</title>" in page(client)
