"""Each who is told is told once, whatever fails in between; a crash leaves a doubt that a person decides about."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.house import person
from tickets.models import Outgoing, WorkState
from tickets.work import TransportError
from triage import alerts
from triage.alerting import apprise_client, deliveries, escalation, routes
from triage.models import Alert, AlertDelivery

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


class Crash(BaseException):
    """The process ends at this point."""


def send_all(what: str = "tell") -> list[str]:
    rows = AlertDelivery.objects.filter(what=what).order_by("pk").values_list("pk", flat=True)
    return [deliveries.send(pk) for pk in rows]


def states() -> list[str]:
    return list(AlertDelivery.objects.order_by("pk").values_list("state", flat=True))


def test_a_service_is_told_with_the_link_by_which_to_acknowledge(route, service, settings):
    route()
    assert alerts.notify("refused:voice", "20 webhooks refused", "Look.\n") == 1
    assert service.got == [], "nothing is sent in a request"
    assert send_all() == ["sent"]
    [said] = service.got
    assert said["title"] == "20 webhooks refused"
    assert f"I am on it: {settings.PUBLIC_URL}/alerts/" in said["message"]
    assert send_all() == ["sent"]
    assert len(service.got) == 1


def test_a_notice_asks_nobody_to_acknowledge(route, service):
    route(pages=False, notices=True)
    alerts.notify("incident:1", "Incident mode left", "It was left.", level="notice")
    send_all()
    assert service.got[0]["message"] == "It was left."


def test_managers_mail_leaves_by_the_outbox_with_a_link_of_its_own_each():
    people = [person("manager"), person("administrator")]
    assert alerts.notify("refused:voice", "Refused", "Look.\n") == 2
    mails = list(Outgoing.objects.order_by("to"))
    assert [mail.to for mail in mails] == sorted(one.email for one in people)
    assert len({mail.text for mail in mails}) == 2
    assert states() == ["sent", "sent"]
    Outgoing.objects.update(state=WorkState.FAILED)
    assert AlertDelivery.objects.first().outcome == WorkState.FAILED


def test_two_workers_with_the_same_nudge_tell_it_once(route, service):
    route()
    alerts.notify("k", "S", "T")
    row = AlertDelivery.objects.get()
    assert deliveries.send(row.pk) == deliveries.send(row.pk) == "sent"
    assert len(service.got) == 1


@pytest.mark.parametrize("told", [True, False], ids=["after it was told", "before it was told"])
def test_a_crash_between_claim_and_mark_leaves_a_doubt_and_no_second_message(route, service, monkeypatch, told):
    route()
    alerts.notify("k", "S", "T")
    real = apprise_client.send

    def crash(*words, **options):
        if told:
            real(*words, **options)
        raise Crash

    monkeypatch.setattr(apprise_client, "send", crash)
    with pytest.raises(Crash):
        send_all()
    monkeypatch.setattr(apprise_client, "send", real)
    deliveries.sweep()
    assert states() == ["sending"], "it may still be at work"
    deliveries.sweep(timezone.now() + 3 * MINUTE)
    deliveries.sweep(timezone.now() + 4 * MINUTE)
    assert states() == ["uncertain"]
    assert len(service.got) == told
    boss = person("manager")
    assert deliveries.send_again(AlertDelivery.objects.get().pk, boss)
    assert not deliveries.send_again(AlertDelivery.objects.get().pk, boss)
    assert send_all() == ["sent"]
    assert len(service.got) == told + 1


def test_what_fails_for_now_is_told_later_and_what_fails_for_good_is_left_to_a_person(route, service):
    route()
    alerts.notify("k", "S", "T")
    service.answers = [503]
    assert send_all() == ["queued"]
    assert send_all() == ["queued"], "not before its pause"
    AlertDelivery.objects.update(due_at=timezone.now())
    service.answers = [404]
    assert send_all() == ["failed"]
    assert "404" in AlertDelivery.objects.get().error
    assert deliveries.count_as_sent(AlertDelivery.objects.get().pk, person("manager"))
    assert states() == ["sent"]


def test_what_gave_no_answer_is_never_told_again_by_itself(route, service):
    route()
    alerts.notify("k", "S", "T")
    service.answers = [None]
    assert send_all() == ["uncertain"]
    AlertDelivery.objects.update(due_at=timezone.now())
    deliveries.sweep()
    assert send_all() == ["uncertain"]
    assert service.got == []


def test_what_ended_while_it_was_on_its_way_is_not_told_after_all(route, monkeypatch):
    route()
    alerts.notify("k", "S", "T", lasting=True)

    def over_meanwhile(*_, **__):
        alerts.end("k", "Over", "T")
        raise TransportError("busy", permanent=False)

    monkeypatch.setattr(apprise_client, "send", over_meanwhile)
    assert send_all() == ["queued"]
    AlertDelivery.objects.update(due_at=timezone.now())
    assert send_all()[0] == "suppressed"


def test_what_fails_again_and_again_is_given_up(route, service):
    route()
    alerts.notify("k", "S", "T")
    service.answers = [503] * 20
    for _ in range(deliveries.MOST_ATTEMPTS):
        AlertDelivery.objects.update(due_at=timezone.now())
        send_all()
    assert states() == ["failed"]


def test_the_watch_tells_what_no_worker_took_and_two_watches_tell_it_once(route, service):
    route()
    alerts.notify("k", "S", "T")
    deliveries.sweep()
    assert service.got == [], "a worker has the first turn"
    later = timezone.now() + MINUTE
    AlertDelivery.objects.update(due_at=timezone.now() - MINUTE)
    deliveries.sweep(later)
    deliveries.sweep(later)
    assert len(service.got) == 1


def test_a_route_that_is_off_by_now_is_told_nothing(route, service):
    made = route()
    alerts.notify("k", "S", "T")
    made.delete()
    assert send_all() == ["suppressed"]
    assert service.got == []


def test_what_is_open_is_told_once_and_its_end_to_everybody_who_heard_of_it(route, service):
    heard, missed = route("Heard"), route("Missed")
    assert alerts.notify("silence:phone", "No calls", "Since 09:00", lasting=True) == 2
    assert alerts.notify("silence:phone", "No calls at all", "Since 09:00", lasting=True) == 0
    assert deliveries.send(AlertDelivery.objects.get(to=f"route:{heard.pk}").pk) == "sent"
    assert alerts.end("silence:phone", "Calls again", "Since 09:10") == 1
    assert alerts.end("silence:phone", "Calls again", "Since 09:10") == 0
    assert send_all() == ["sent", "suppressed"], "nobody hears of what is over"
    assert send_all("end") == ["sent"]
    assert service.subjects == ["No calls", "Calls again"]
    assert "/alerts/" not in service.got[1]["message"]
    assert {said["path"] for said in service.got} == {"/Heard"}
    assert missed.name not in [row.name for row in AlertDelivery.objects.filter(what="end")]
    assert alerts.notify("silence:phone", "No calls", "Since 12:00", lasting=True) == 2


def test_what_ends_without_a_word_is_open_no_more_and_stays_untold(route, service):
    route()
    alerts.notify("k", "S", "T", lasting=True)
    assert alerts.close("k")
    assert not alerts.close("k")
    assert send_all() == ["suppressed"]
    assert alerts.notify("k", "S", "T", lasting=True) == 1


def test_whoever_heard_of_the_first_hears_the_end_of_what_took_its_place(route, service):
    """A page that replaces a notice: the route of notices hears that it is over, too."""
    route("Log", pages=False, notices=True)
    route("Ops")
    alerts.notify("surge:1", "Busier", "T", level="notice", lasting=True)
    send_all()
    alerts.close("surge:1")
    alerts.notify("surge:1", "Surge", "T", lasting=True)
    send_all()
    assert alerts.end("surge:1", "Over", "T") == 2
    send_all("end")
    assert sorted(said["path"] for said in service.got if said["title"] == "Over") == ["/Log", "/Ops"]


def test_the_same_words_twice_in_a_moment_are_one_alert_and_later_another(route):
    route()
    assert alerts.notify("k", "S", "T") == 1
    assert alerts.notify("k", "S", "T") == 0
    assert alerts.notify("k", "S", "other words") == 1
    Alert.objects.update(made_at=timezone.now() - alerts.SAME - MINUTE)
    assert alerts.notify("k", "S", "T") == 1


def test_the_second_in_line_reads_that_nobody_answered(route, service):
    route(), route("Boss", step=2)
    alerts.notify("k", "Surge", "Look.")
    send_all()
    Alert.objects.update(made_at=timezone.now() - 6 * MINUTE)
    assert escalation.look() == 1
    send_all()
    assert service.subjects == ["Surge", "Unanswered: Surge"]
    assert "Nobody has acknowledged this for 6 min." in service.got[1]["message"]


def test_the_second_in_line_reads_that_it_reached_nobody_else(route, service):
    route(), route("Boss", step=2)
    alerts.notify("k", "Surge", "Look.")
    service.answers = [404]
    send_all()
    assert escalation.look() == 1
    send_all()
    assert service.got[0]["message"].startswith("It reached nobody before you.\n\nLook.")


def test_the_second_in_line_hears_nothing_once_somebody_is_on_it(route, service):
    route("Boss", step=2)
    alerts.notify("k", "Surge", "Look.")
    Alert.objects.update(made_at=timezone.now() - 6 * MINUTE)
    escalation.look()
    Alert.objects.update(acknowledged_at=timezone.now())
    assert send_all() == ["suppressed"]
    assert service.got == []


def test_an_alert_with_nobody_to_tell_is_kept():
    assert alerts.notify("k", "S", "T") == 0
    assert routes.recipients("page", 1) == []
    assert Alert.objects.get().subject == "S"
