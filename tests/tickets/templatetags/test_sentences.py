"""What others write in title case stands on our pages as we write: in sentence case."""

import re

import pytest
from django.test import Client
from django.utils.safestring import SafeString, mark_safe

from tests.house import PASSWORD, person
from tickets.templatetags.sentences import sentence_case


@pytest.mark.parametrize(
    ("title", "sentence"),
    [
        ("\n  Change Password\n", "Change password"),
        ("Two-Factor Authentication", "Two-factor authentication"),
        ("New Password (again)", "New password (again)"),
        ("Scan the QR code", "Scan the QR code"),
        ("Add a WebAuthn Key", "Add a WebAuthn key"),
        ("Sent. Please look there", "Sent. Please look there"),
        ("", ""),
    ],
)
def test_title_case_becomes_sentence_case(title, sentence):
    assert sentence_case(title) == sentence


def test_only_what_was_safe_stays_safe():
    assert isinstance(sentence_case(mark_safe("<b>Sign In</b>")), SafeString)
    assert not isinstance(sentence_case("<b>Sign In</b>"), SafeString)


@pytest.mark.django_db
def test_no_account_page_speaks_in_title_case(client: Client):
    signed_out = ["login/", "signup/", "password/reset/", "password/reset/done/", "password/reset/key/1-x/"]
    said = [text for page in signed_out for text in _headings_and_buttons(client, page)]
    who = person("manager")
    client.post("/accounts/login/", {"login": who.username, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    signed_in = ["2fa/", "2fa/totp/activate/", "password/change/", "email/", "logout/", "reauthenticate/"]
    said += [text for page in signed_in for text in _headings_and_buttons(client, page)]
    assert "Change password" in said
    assert "Activate authenticator app" in said
    assert [text for text in said if "@" not in text and re.search(r"[a-z] [A-Z][a-z]", text)] == []


def _headings_and_buttons(client: Client, page: str) -> list[str]:
    response = client.get(f"/accounts/{page}")
    assert response.status_code == 200, page
    shown = response.content.decode()
    found = re.findall(r"<(title|h1|h2|button|label)\b[^>]*>(.*?)</\1>", shown, re.DOTALL)
    assert found, page
    return [" ".join(re.sub(r"<[^>]+>", "", text).split()) for _, text in found]
