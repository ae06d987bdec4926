"""Each missing or contradictory setting is told by its own id, with what to do; a sound house is told nothing."""

import pytest

from triage.checks import check_settings

SOUND = {
    "DEMO": False,
    "DATABASE_URL": "postgres://db/breakwater",
    "REDIS_URL": "redis://redis/0",
    "PUBLIC_URL": "https://help.example.com",
    "BUSINESS_TIME_ZONE": "Europe/London",
    "MAIL_URL": "smtps://user:password@mail.example.com",
    "MAIL_PROVIDER": "",
    "MAIL_WEBHOOK_SECRETS": ["provider:secret"],
    "ANYMAIL": {"WEBHOOK_SECRET": ["provider:secret"]},
    "SUPPORT_ADDRESS": "support@example.com",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKENS": ["token"],
    "TWILIO_API_BASE": "",
}
EMBEDDED = {
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "PUBLIC_URL": "http://localhost:8000",
    "MAIL_URL": "",
    "TWILIO_ACCOUNT_SID": "",
    "TWILIO_AUTH_TOKENS": [],
    "ANYMAIL": {"WEBHOOK_SECRET": []},
}


@pytest.fixture
def told(settings, monkeypatch):
    def ids(secret_key: str = "k" * 50, **values) -> list[str]:
        monkeypatch.setenv("SECRET_KEY", secret_key)
        for name, value in {**SOUND, **values}.items():
            setattr(settings, name, value)
        found = check_settings()
        assert all(fault.hint for fault in found)
        return [fault.id.removeprefix("breakwater.") for fault in found]

    return ids


def test_a_sound_house_is_told_nothing(told):
    assert told() == []


@pytest.mark.parametrize("demo", [False, True], ids=["plain", "demo"])
def test_the_embedded_default_needs_no_setting_at_all(told, demo):
    assert told("", **EMBEDDED, DEMO=demo) == []


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"DEMO": True, "MAIL_URL": ""}, "E001"),
        ({"DEMO": True, "TWILIO_ACCOUNT_SID": "", "MAIL_URL": "smtp://mail.example.com"}, "E001"),
        ({"DEMO": True, "TWILIO_ACCOUNT_SID": "", "MAIL_URL": "", "MAIL_PROVIDER": "postmark"}, "E001"),
        ({"secret_key": ""}, "E002"),
        ({"secret_key": "", "DATABASE_URL": ""}, "E002"),
        ({"PUBLIC_URL": "https://"}, "E003"),
        ({"PUBLIC_URL": "https://help.example.com?x=1"}, "E003"),
        ({"BUSINESS_TIME_ZONE": "Mars/Olympus"}, "E004"),
        ({"BUSINESS_TIME_ZONE": "../etc/passwd"}, "E004"),
        ({"REDIS_URL": ""}, "W001"),
        ({"MAIL_PROVIDER": "postmark"}, "E005"),
        ({"MAIL_URL": "mail.example.com:25"}, "E006"),
        ({"MAIL_URL": "smtp://"}, "E006"),
        ({"MAIL_URL": "", "MAIL_PROVIDER": "postmark", "ANYMAIL": {"WEBHOOK_SECRET": []}}, "E007"),
        ({"SUPPORT_ADDRESS": "support"}, "E008"),
        ({"PUBLIC_URL": "http://help.example.com"}, "E009"),
        ({"TWILIO_AUTH_TOKENS": []}, "E010"),
        ({"ALERT_URLS": ["slack://x"]}, "E020"),
        ({"ALERT_URLS": ["json://hooks.example.org/x"], "ALERT_URLS_SECOND": ["nonsense"]}, "E020"),
    ],
)
def test_each_fault_is_told_by_its_own_id(told, values, fault):
    assert told(**values) == [fault]


def test_no_check_tells_a_secret(told, settings):
    told(ALERT_URLS=["slack://secret-token"])
    assert "secret-token" not in str(check_settings())


def test_a_provider_that_signs_needs_no_secret_in_its_address(told):
    signed = {"WEBHOOK_SECRET": [], "MAILGUN_WEBHOOK_SIGNING_KEY": "key"}
    assert told(MAIL_URL="", MAIL_PROVIDER="mailgun", ANYMAIL=signed) == []


def test_servers_of_this_host_are_no_real_ones(told):
    local = {"TWILIO_API_BASE": "http://127.0.0.1:9000", "MAIL_URL": "smtp://localhost:1025"}
    assert told(**{**EMBEDDED, **local, "DEMO": True, "TWILIO_ACCOUNT_SID": "AC" + "0" * 32}) == []


def test_a_folder_that_cannot_be_written_to_is_found_out_at_the_start(told, settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    settings.VAR = tmp_path / "file" / "var"
    assert told() == ["E011"]
    settings.VAR = tmp_path / "not" / "there" / "yet"
    assert told() == []
