import pytest

from tickets.mail.machines import is_automatic
from tickets.mail.mime import head_and_body


def head(**fields: str):
    fields = {"From": "jo@customer.example", "Subject": "Help", **fields}
    return head_and_body("".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items()).encode())[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; reason=x"},
        {"Precedence": "bulk"},
        {"Precedence": "auto_reply"},
        {"X_Auto_Response_Suppress": "All"},
        {"X_Autoreply": "yes"},
        {"List_Id": "News <news.elsewhere.example>"},
        {"List_Unsubscribe": "<mailto:leave@elsewhere.example>"},
        {"Return_Path": "<>"},
        {"From": "MAILER-DAEMON@mx.elsewhere.example"},
        {"Subject": "Out of Office: Re: Help"},
        {"Subject": "Automatic reply: Help"},
        {"Subject": "Automatische Antwort: Hilfe"},
        {"Subject": "Re: Réponse automatique : aide"},
        {"Subject": "Abwesenheitsnotiz"},
    ],
)
def test_what_a_machine_wrote_is_automatic(fields):
    assert is_automatic(head(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"Auto_Submitted": "no"},
        {"Precedence": "normal"},
        {"Return_Path": "<jo@customer.example>"},
        {"From": "postmaster@customer.example"},
        {"Subject": "Auto insurance does not load"},
        {"Subject": "Auto: Kratzer im Lack"},
        {"Subject": "Vacation bookings fail"},
        {"Subject": "Abwesenheit eintragen geht nicht"},
        {"Subject": "Absence of a dial tone"},
        {"Subject": "How do I set an automatic reply?"},
    ],
)
def test_what_a_person_wrote_is_not(fields):
    assert not is_automatic(head(**fields))


def test_a_group_of_our_own_that_forwards_to_support_passes_peoples_mail_on(settings):
    settings.SUPPORT_ADDRESS = "support@our.example"
    ours = {"Precedence": "list", "List_Id": "<help.our.example>", "List_Unsubscribe": "<https://groups.example/x>"}
    assert not is_automatic(head(**ours))
    assert is_automatic(head(**{**ours, "List_Id": "<help.notour.example>"}))
