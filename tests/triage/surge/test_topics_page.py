"""Managers name topics: they see what the words find before they add them, and rename and retire them."""

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from tests.house import person, ticket
from tickets import topics
from tickets.models import Topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client):
    who = person("manager")
    client.force_login(who)
    return who


def test_what_the_words_find_is_shown_before_they_are_added(client, manager):
    ticket(text="The login fails")
    ticket(text="Only a spinner")
    url = reverse("topics")
    said = {"name": "Sign-in", "words": "login\n\n log  in \nlogin", "looked": ""}
    page = client.post(url, said)
    assert "1 of the 2 newest messages" in page.content.decode()
    assert not Topic.objects.exists()
    looked = {**said, "words": "login\nlog in", "looked": "login\nlog in"}
    page = client.post(url, {**looked, "words": "spinner"})
    assert not Topic.objects.exists(), "other words than those that were looked at are looked at first"
    as_sent = {name: value.replace("\n", "\r\n") for name, value in looked.items()}
    added = client.post(url, as_sent, follow=True)
    assert added.redirect_chain, "browsers send CRLF"
    assert added.content.decode().count("is counted from now on") == 1
    topic = Topic.objects.get()
    assert (topic.name, topic.words, topic.created_by) == ("Sign-in", ["login", "log in"], manager)
    assert "Sign-in" in client.get(url).content.decode()


@pytest.mark.parametrize(
    ("name", "words", "why"),
    [
        ("", "login", "Name what the messages are about"),
        ("Sign-in", "  \n!?", "at least one word"),
        ("Sign-in", "\n".join(f"w{n}" for n in range(31)), "31 are too many"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_typed_is_lost(client, manager, name, words, why):
    page = client.post(reverse("topics"), {"name": name, "words": words, "looked": words})
    assert page.status_code == 422
    assert why in page.content.decode()
    assert words.split()[0] in page.content.decode()
    assert not Topic.objects.exists()


def test_a_topic_is_renamed_and_retired(client, manager):
    topic = topics.add("Sign-in", ["login"], manager)
    client.post(reverse("topic_act", args=[topic.pk, "rename"]), {"name": "Log in"})
    topic.refresh_from_db()
    assert (topic.name, topic.key) == ("Log in", "sign-in")
    client.post(reverse("topic_act", args=[topic.pk, "rename"]), {"name": " "})
    client.post(reverse("topic_act", args=[topic.pk, "retire"]))
    topic.refresh_from_db()
    assert topic.name == "Log in"
    assert topic.retired_at
    assert client.post(reverse("topic_act", args=[topic.pk, "retire"])).status_code == 404
    assert client.post(reverse("topic_act", args=[topic.pk, "burn"])).status_code == 404


def test_progress_is_polled_until_the_past_is_counted(client, manager):
    ticket(text="The login fails")
    topics.add("Sign-in", ["login"], manager)
    url = reverse("topics_progress")
    with time_machine.travel(timezone.now(), tick=False):
        first = client.get(url)
        again = client.get(url, headers={"If-None-Match": first["ETag"]})
    assert "0 % looked through" in first.content.decode()
    assert again.status_code == 304
    topics.look_back()
    assert "hx-get" not in client.get(url).content.decode()


def test_the_queries_do_not_grow_with_the_topics(client, manager, django_assert_max_num_queries):
    topics.add("Sign-in", ["login"], manager)
    client.get(reverse("topics"))
    with django_assert_max_num_queries(40) as few:
        client.get(reverse("topics"))
    for n in range(5):
        topics.add(f"Topic {n}", ["login"], manager)
    with django_assert_max_num_queries(len(few)):
        client.get(reverse("topics"))


def test_agents_name_no_topics(client):
    client.force_login(person("agent"))
    assert client.get(reverse("topics")).status_code == 403
