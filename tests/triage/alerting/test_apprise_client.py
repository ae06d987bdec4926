"""What services really do is told apart: taken, refused for good, refused for now, and nobody knows."""

import pytest

from tests.tickets import smtp_server
from tickets.work import TransportError
from triage.alerting import apprise_client
from triage.alerting.apprise_client import BadAddress, failure, fitting


def error_of(url: str, **options) -> TransportError:
    with pytest.raises(TransportError) as caught:
        apprise_client.send(url, "Surge", "Look", **options)
    return caught.value


def test_a_service_gets_subject_and_text_with_the_link_as_they_are(service):
    apprise_client.send(service.url(), "Surge <x11>", "People write *this* & <b>that</b>", "I am on it: http://x/y")
    [said] = service.got
    assert said["title"] == "Surge <x11>"
    assert said["message"] == "People write *this* & <b>that</b>\n\nI am on it: http://x/y"


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (401, True), (404, True), (429, False), (500, False), (503, False)]
)
def test_what_a_service_refuses_is_certain_and_may_be_for_good(service, status, permanent):
    service.answers = [status]
    error = error_of(service.url())
    assert (error.permanent, error.uncertain) == (permanent, False)
    assert str(status) in str(error)
    assert service.got == []


def test_what_cannot_be_reached_got_nothing_and_may_be_tried_again():
    error = error_of(f"json://127.0.0.1:{smtp_server.free_port()}/")
    assert (error.permanent, error.uncertain) == (False, False)
    assert "refused" in str(error)


@pytest.mark.parametrize("answer", [None, 0], ids=["hangs up", "never answers"])
def test_what_gives_no_answer_may_have_taken_it(service, answer):
    service.answers = [answer]
    error = error_of(service.url(), seconds=0.5)
    assert (error.permanent, error.uncertain) == (False, True)


def test_a_failure_of_an_address_that_tells_several_may_have_told_some(service):
    error = failure(["Failed to send: error=400."], targets=3)
    assert error.uncertain
    assert "Some of its 3 recipients" in str(error)
    assert not failure(["Socket Exception: Connection refused"], targets=3).uncertain


def test_what_is_kept_of_a_failure_bears_no_secret():
    said = ["JSON Payload: {'secret': 1}", "POST URL: http://u:pw@h/", "A Connection error occurred sending to h."]
    assert str(failure(said)) == "A Connection error occurred sending to h."


def test_mail_by_a_route_arrives_at_a_real_server():
    handler = smtp_server.Handler()
    controller = smtp_server.start(handler)
    try:
        url = f"mailto://localhost:{controller.port}/boss@example.org?from=alerts@example.com"
        apprise_client.send(url, "Surge x11", "Ä text")
        error = error_of(url.replace("boss@example.org", "refused@example.org").replace(
            str(controller.port), str(smtp_server.free_port())))  # fmt: skip
    finally:
        controller.stop()
    [mail] = handler.got
    assert (mail["To"], mail["Subject"]) == ("boss@example.org", "Surge x11")
    assert "Ä text" in mail.get_body(("plain",)).get_content()
    assert (error.permanent, error.uncertain) == (False, False)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "no address"),
        ("ops@example.org", "no address"),
        ("nonsense://x", "not known"),
        ("slack://x", "Slack"),
        ("json://", "a part is missing"),
        ("syslog://", "tells this machine"),
        ("file:///etc/passwd", "not known"),
    ],
)
def test_an_address_by_which_nobody_can_be_told_says_why(url, words):
    with pytest.raises(BadAddress, match=words):
        apprise_client.service(url)


@pytest.mark.parametrize(
    ("url", "name", "shown"),
    [
        ("json://user:secret@hooks.example.org/token?x=1", "JSON", "json://user:****@hooks.example.org/…"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "Slack", "slack://T...2/…"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url, name, shown):
    found = apprise_client.service(url)
    assert (found.name, found.shown) == (name, shown)


@pytest.mark.parametrize(
    ("limit", "title", "body"),
    [
        (32768, "Subject", "Text\n\nLink"),
        (160, "", "Subject\nLink"),
        (10, "", "Subject"),
        (4, "", "Subj"),
    ],
)
def test_a_telephone_gets_the_first_line_and_the_link_where_it_fits(limit, title, body):
    assert fitting("Subject", "Text\n", "Link", limit=limit) == (title, body)
