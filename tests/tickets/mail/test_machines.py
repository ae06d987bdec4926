import pytest

from tickets.mail.machines import is_auto_reply, is_automatic
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


@pytest.mark.parametrize(
    "subject",
    """Out of Office: Help
Automatic reply: Help
Re: Auto-Reply: Help
Away until May 5
I am out of the office
OOO Re: Help
Abwesenheitsnotiz Max Muster
[Auto-Reply] Re: Help
Automatische Antwort: Hilfe
Abwesenheitsnotiz: Hilfe
Im Urlaub bis 3. Mai
Réponse automatique : aide
Absence: aide
Respuesta automática: ayuda
Fuera de la oficina: ayuda
Risposta automatica: aiuto
Fuori ufficio
Automatisch antwoord: hulp
Resposta automática: ajuda
Odpowiedź automatyczna: pomoc
Автоматический ответ: помощь
Автоматична відповідь: допомога
Autosvar: hjälp
Automatiskt svar: hjälp
Automatisk svar: hjelp
Automaattinen vastaus: apua
Automatická odpověď: pomoc
Automatikus válasz: segítség
Otomatik Yanıt: yardım
自動応答: ヘルプ
自动回复: 帮助
자동 회신: 도움말""".splitlines(),
)
def test_an_automatic_answer_is_known_by_its_subject(subject):
    assert is_auto_reply(head(Subject=subject), "")
    assert is_automatic(head(Subject=subject))


@pytest.mark.parametrize(
    "subject",
    """Im Urlaub funktioniert die App nicht
Nicht erreichbare Server
Automatische E-Mail kommt nicht an
Automatic replies do not work
The automatic reply is wrong
Re: Automatic reply does not work
Out of office feature broken
Automatische Antwort einrichten?
Question: out of office
Autosvar virker ikke
Réponse automatique en panne
Vacation bookings fail
Out of stock""".splitlines(),
)
def test_a_persons_subject_is_no_automatic_answer(subject):
    assert not is_auto_reply(head(Subject=subject), "I am on vacation and cannot log in.")


@pytest.mark.parametrize(
    ("fields", "text", "expected"),
    [
        ({"Auto_Submitted": "auto-replied (vacation)"}, "", True),
        ({"Precedence": "auto_reply"}, "", True),
        ({"X_Autoreply": "yes"}, "", True),
        ({"Auto_Submitted": "auto-generated"}, "Your invoice is ready.", False),
        ({"Auto_Submitted": "auto-generated"}, "I am currently out of the office.", True),
        ({"Precedence": "bulk"}, "Ich bin bis zum 3. Mai im Urlaub.", True),
        ({"Precedence": "bulk"}, "Our news of this week.", False),
        ({"Return_Path": "<>"}, "Je suis actuellement en congé.", True),
        ({"Return_Path": "<>"}, "Your mail was read.", False),
        ({"X_Auto_Response_Suppress": "All"}, "現在休暇をいただいております。", True),
        ({"List_Id": "<news.example.org>"}, "I will return on Monday.", False),
        ({}, "I am currently out of the office.", False),
    ],
)
def test_other_marks_of_machines_need_words_of_absence(fields, text, expected):
    assert is_auto_reply(head(**fields), text) is expected
