"""What messages are about: by whole words, set when they are understood, and looked up for earlier ones in chunks."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.house import person
from tests.tickets.mailings import raw_mail
from tickets import intake, journal, topics
from tickets.models import Arrival, Entry, Topic
from triage.models import MinuteCount
from triage.surge import counts

pytestmark = pytest.mark.django_db


def mail(text: str, number: int, minutes: float = 0) -> int:
    at = timezone.now() - timedelta(minutes=minutes)
    body = raw_mail(text, From=f"c{number}@customer.example", Message_ID=f"<{number}@customer.example>")
    address = f"c{number}@customer.example"
    said = {"sender": address, "recipients": ["support@example.com"]}
    (pk,) = journal.record([journal.Incoming("mail_pipe", f"m{number}", address, at, said, body=body)])
    return pk


def about(pk: int) -> set[str]:
    return set(Arrival.objects.get(pk=pk).topics.values_list("key", flat=True))


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        (["login"], "The LOGIN fails", True),
        (["login"], "My logins fail", False),
        (["login"], "re-login, please", True),
        (["sign in"], "I cannot sign\n  in", True),
        (["sign in"], "the sign is in the window", False),
        (["straße"], "in der STRASSE", True),
        (["café"], "the cafe\u0301 is closed", True),
        (["log*"], "my logins fail", True),
        (["log in"], "I cannot log-in", True),
        (["ログイン"], "昨日からログインできません", True),
        (["500", "c++"], "it says 500.", True),
        (["c++"], "written in C++!", True),
        (["c++"], "written in c", False),
        (["(.*)"], "anything", False),
        ([" "], "anything", False),
        ([], "anything", False),
    ],
)
def test_words_and_phrases_are_found_whole_and_in_any_case(words, text, found):
    assert bool(topics.matching(text, {1: topics.pattern(words)})) is found


def test_a_message_is_about_a_topic_from_when_it_is_understood():
    topics.add("Sign-in", ["sign in", "login"], person("manager"))
    topics.add("Invoices", ["invoice"], person("manager"))
    first, second, third = mail("No login, no invoice", 1), mail("An invoice", 2), mail("Hello", 3)
    counts.recount()
    assert not MinuteCount.objects.filter(series__startswith="topic:").exists()
    intake.understand_many([first, second])
    intake.understand(third)
    assert (about(first), about(second), about(third)) == ({"sign-in", "invoices"}, {"invoices"}, set())
    counts.recount()
    found = MinuteCount.objects.filter(series__startswith="topic:").values_list("series", "arrivals")
    assert sorted(found) == [("topic:invoices", 2), ("topic:sign-in", 1)]


def test_without_topics_a_message_costs_one_query_more(django_assert_num_queries):
    with django_assert_num_queries(1):
        topics.mark([])


def test_a_message_that_is_read_again_is_about_what_it_says_now():
    topics.add("Sign-in", ["login"], person("manager"))
    pk = mail("No login", 1)
    intake.understand(pk)
    counts.recount()
    entry = Entry.objects.get(arrival=pk)
    Topic.objects.update(words=["invoice"])
    intake.read_again(entry)
    assert about(pk) == set()
    counts.recount()
    assert not MinuteCount.objects.filter(series="topic:sign-in").exclude(arrivals=0).exists()


def test_earlier_messages_are_counted_in_chunks_that_may_break_off(monkeypatch):
    ids = [mail("login" if n % 3 == 0 else "calendar", n, minutes=3 + n) for n in range(25)]
    intake.understand_all()
    counts.recount()
    monkeypatch.setattr(topics, "CHUNK", 10)
    monkeypatch.setattr(topics, "CHUNKS", 1)
    topic = topics.add("Sign-in", ["login"], person("manager"))
    seen = []
    while topics.unfinished():
        assert topics.look_back() > 0
        topic.refresh_from_db()
        seen.append(topics.progress(topic))
    assert seen == sorted(seen)
    assert seen[0] < 1 == seen[-1]
    assert topics.look_back() == 0
    assert sum("sign-in" in about(pk) for pk in ids) == 9
    counts.recount()
    assert sum(MinuteCount.objects.filter(series="topic:sign-in").values_list("arrivals", flat=True)) == 9
    counts.rebuild()
    assert sum(MinuteCount.objects.filter(series="topic:sign-in").values_list("arrivals", flat=True)) == 9
    assert counts.distinct_senders(timezone.now() - timedelta(days=1), timezone.now(), "topic:sign-in") == 9


def test_a_retired_topic_is_looked_for_no_longer_and_keeps_its_counts():
    boss = person("manager")
    topic = topics.add("Sign-in", ["login"], boss)
    intake.understand(mail("login", 1))
    counts.recount()
    topics.retire(topic, boss)
    pk = mail("login", 2)
    intake.understand(pk)
    counts.recount()
    assert about(pk) == set()
    assert sum(MinuteCount.objects.filter(series="topic:sign-in").values_list("arrivals", flat=True)) == 1


def test_topics_of_one_name_have_keys_of_their_own():
    boss = person("manager")
    keys = [topics.add(name, ["x"], boss).key for name in ("Sign in", "Sign-in", "登录", "登录")]
    assert keys == ["sign-in", "sign-in-2", "topic", "topic-2"]


def test_coverage_is_of_messages_of_the_last_week():
    for n, text in enumerate(("login", "login and more", "calendar")):
        intake.understand(mail(text, n))
    Entry.objects.filter(visible="login").update(happened_at=timezone.now() - timedelta(days=8))
    assert topics.coverage(["login"]) == (1, 2)
