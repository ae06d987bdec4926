"""The newest notice in force wins when it is asked; ending one shows what was under it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tickets import notices
from tickets.models import AuditEntry, Notice, Problem

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def notice(pk, *, since=0, until=None, target="ack", text=None):
    return {
        "id": pk,
        "target": target,
        "text": text or {"en": f"notice {pk}"},
        "problem": pk,
        "about": f"update:{pk}",
        "since": (NOON + timedelta(minutes=since)).isoformat(),
        "until": None if until is None else (NOON + timedelta(minutes=until)).isoformat(),
    }


@pytest.mark.parametrize(
    ("rows", "minute", "said"),
    [
        ([], 0, None),
        ([notice(1)], 0, "notice 1"),
        ([notice(1)], -1, None),
        ([notice(1, until=5)], 4, "notice 1"),
        ([notice(1, until=5)], 5, None),
        ([notice(1), notice(2, since=3)], 2, "notice 1"),
        ([notice(1), notice(2, since=3)], 3, "notice 2"),
        ([notice(1), notice(2, since=3, until=6)], 6, "notice 1"),
        ([notice(2), notice(1)], 0, "notice 2"),
        ([notice(1, target="web_form")], 0, None),
        ([notice(1), notice(2, text={"en": ""})], 0, "notice 1"),
    ],
)
def test_the_newest_in_force_wins(rows, minute, said):
    shown = notices.choose(rows, "ack", "en", NOON + timedelta(minutes=minute))
    assert (shown.text if shown else None) == said


@pytest.mark.parametrize(
    ("language", "said"), [("de", "Hallo"), ("de-AT", "Hallo"), ("fr", "Hello"), ("", "Hello"), ("en-GB", "Hello")]
)
def test_the_nearest_language_is_taken(language, said):
    rows = [notice(1, text={"en": "Hello", "de": "Hallo"})]
    assert notices.choose(rows, "ack", language, NOON).text == said


@pytest.mark.django_db
def test_two_problems_overlap_and_leaving_one_ends_only_its_own():
    first, second = (Problem.objects.create(title=t, opened_at=timezone.now()) for t in ("a", "b"))
    notices.show(Notice.Target.WEB_FORM, {"en": "first"}, first, None, about="update:1")
    notices.show(Notice.Target.WEB_FORM, {"en": "second"}, second, None)
    notices.NOTICES.refresh()
    assert notices.current(Notice.Target.WEB_FORM, "en").text == "second"
    assert notices.clear(second) == 1
    notices.NOTICES.refresh()
    shown = notices.current(Notice.Target.WEB_FORM, "en")
    assert (shown.text, shown.problem, shown.about) == ("first", first.pk, "update:1")
    assert AuditEntry.objects.filter(action="notice.show").count() == 2


@pytest.mark.django_db
def test_what_is_in_force_is_known_without_the_database(django_assert_num_queries):
    notices.show(Notice.Target.WEB_FORM, {"en": "kept"}, None, None)
    notices.NOTICES.refresh()
    notices.NOTICES.forget()
    with django_assert_num_queries(0):
        assert notices.current(Notice.Target.WEB_FORM, "en").text == "kept"
