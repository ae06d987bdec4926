"""The preflight finds what callers would notice, says so, and mends numbers without forgetting how they were."""

import functools
import http.server
import json
import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.house import person
from tickets.work import TransportError
from voice import fallback, number_setup, preflight, shared_fate
from voice.models import NumberSetup, PreflightReport
from voice.plan import PLAN
from voice.twilio_client import telephone

pytestmark = pytest.mark.django_db
COUNTRIES = [
    {
        "iso_code": code, "low_risk_numbers_enabled": True, "high_risk_special_numbers_enabled": False,
        "high_risk_tollfraud_numbers_enabled": False,
    }
    for code in ("US", "CA")
]  # fmt: skip


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        return


@pytest.fixture
def static(tmp_path, settings):
    """The export on a static host elsewhere, which knows nothing of us."""
    handler = functools.partial(Quiet, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    settings.FALLBACK_URL = f"http://127.0.0.1:{server.server_port}"
    settings.STORAGES = settings.STORAGES | {
        "fallback": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        }
    }
    yield tmp_path
    server.shutdown()
    server.server_close()


@pytest.fixture
def number(twilio, line, settings, static):
    settings.CALL_COUNTRIES = ["US", "CA"]
    twilio.countries = [dict(country) for country in COUNTRIES]
    found = {
        "sid": "PN" + "1" * 32, "phone_number": line.number, "voice_application_sid": None, "trunk_sid": None,
        "capabilities": {"voice": True, "sms": True, "mms": False}, "voice_method": "POST",
        **number_setup.wanted(line.key),
    }  # fmt: skip
    twilio.numbers = [found]
    return found


def levels(findings, *about):
    return {(one.about, one.level) for one in findings if one.level != "ok" and (not about or one.about in about)}


def test_what_is_as_it_should_be_is_said_too(number, static, settings, live_server, twilio):
    settings.PUBLIC_URL = live_server.url
    number |= number_setup.wanted("main")
    settings.CALLS_PER_SECOND, settings.PRODUCT_HOSTS = 1, ["product.invalid"]
    PLAN.refresh()
    fallback._last = ""
    fallback.export()
    findings = preflight.run()
    bad = [one for one in findings if one.level not in ("ok", "unknown")]
    assert bad == []
    assert {"Account", "Concurrency", "Signature", "Shared", "Countries"} <= {one.about for one in findings}


@pytest.mark.parametrize(
    ("part", "value", "level"),
    [
        ("voice_url", "https://old.example.com/ivr", "fault"),
        ("voice_method", "GET", "fault"),
        ("voice_fallback_url", None, "fault"),
        ("voice_fallback_method", "POST", "fault"),
        ("status_callback", None, "warning"),
        ("sms_url", None, "warning"),
        ("voice_application_sid", "AP" + "1" * 32, "fault"),
        ("trunk_sid", "TK" + "1" * 32, "fault"),
        ("capabilities", {"voice": True, "sms": False, "mms": False}, "warning"),
    ],
)
def test_a_number_that_is_set_up_otherwise_is_found(number, twilio, part, value, level):
    number[part] = value
    found = list(preflight._numbers(telephone()))
    assert levels(found) == {("Support +1 202-555-0199", level)}
    assert all(one.notice and one.mend for one in found if one.level != "ok")


def test_a_fragment_that_tunes_time_outs_is_no_drift(number):
    number["voice_url"] += "#ct=2000&rt=3000"
    assert number_setup.drift(number, number_setup.wanted("main")) == {}


def test_a_number_that_is_pointed_at_the_fallback_is_told_apart(number):
    number |= {"voice_url": fallback.url_of("main"), "voice_method": "GET"}
    [finding] = [one for one in preflight._numbers(telephone()) if one.level != "ok"]
    assert "repoint --to home" in finding.mend


@pytest.mark.parametrize(
    ("change", "about", "level"),
    [
        ({"account": {"status": "suspended", "type": "Full"}}, "Account", "fault"),
        ({"account": {"status": "active", "type": "Trial"}}, "Concurrency", "fault"),
        ({"profiles": []}, "Concurrency", "fault"),
        ({"numbers": []}, "Support +1 202-555-0199", "fault"),
        ({"countries": COUNTRIES[:1]}, "Countries", "fault"),
        ({"answers": [401]}, "Account", "fault"),
        ({"answers": [500]}, "Account", "unknown"),
    ],
)
def test_what_is_wrong_with_the_account_is_found(number, twilio, change, about, level):
    for name, value in change.items():
        setattr(twilio, name, value)
    assert (about, level) in levels(preflight.run())


def test_numbers_with_a_high_risk_are_named(number, twilio):
    twilio.countries[1]["high_risk_tollfraud_numbers_enabled"] = True
    assert ("Countries", "warning") in levels(preflight.run())


def test_without_an_account_the_rest_is_checked(line, settings):
    settings.TWILIO_ACCOUNT_SID = ""
    found = preflight.run()
    assert found[0].about == "Account"
    assert found[0].level == "fault"
    assert ("Fallback", "fault") in levels(found)


def test_a_public_address_that_is_not_ours_or_signed_otherwise_is_found(line, settings, static, live_server):
    settings.PUBLIC_URL = settings.FALLBACK_URL
    assert levels(preflight._signature()) == {("Public address", "fault")}
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    assert levels(preflight._signature()) == {("Public address", "fault")}
    settings.PUBLIC_URL = live_server.url
    assert levels(preflight._signature()) == set()


def test_a_fallback_that_is_missing_or_mute_is_found(line, settings, static):
    [missing] = preflight._fallback()
    assert missing.level == "fault"
    PLAN.refresh()
    fallback._last = ""
    fallback.export()
    [fine] = preflight._fallback()
    assert fine.level == "ok"
    (static / "voice" / "main" / "now.xml").write_text("<Response><Play>../audio/none.wav</Play></Response>")
    assert levels(preflight._fallback()) == {("Fallback of Support", "fault")}
    (static / "voice" / "audio").mkdir(parents=True, exist_ok=True)
    (static / "voice" / "audio" / "none.wav").write_bytes(b"RIFF, not really")
    [mute] = preflight._fallback()
    assert "silence" in mute.notice


@pytest.mark.parametrize(
    ("public", "product", "level"),
    [
        ("https://support.acme.example", "app.acme.example", "warning"),
        ("https://app.acme.example", "app.acme.example", "fault"),
        ("http://127.0.0.1:8000", "localhost", "fault"),
        ("https://support.elsewhere.example", "app.acme.example", "ok"),
    ],
)
def test_what_falls_with_the_product_is_named(settings, public, product, level):
    settings.PUBLIC_URL, settings.PRODUCT_HOSTS = public, [product]
    settings.FALLBACK_URL = settings.DATABASE_URL = settings.REDIS_URL = settings.MAIL_URL = ""
    assert {one.level for one in shared_fate.look()} == {level}


def test_a_fallback_beside_what_it_stands_in_for_is_found(settings):
    settings.PUBLIC_URL, settings.FALLBACK_URL = "https://support.example.com", "https://support.example.com/static"
    settings.PRODUCT_HOSTS = ["product.invalid"]
    assert any("stand in for" in one.what for one in shared_fate.look())


def test_a_number_is_mended_its_old_set_up_kept_and_the_new_one_read_back(number, line, agent, twilio):
    number |= {"voice_url": "https://old.example.com/ivr", "voice_method": "GET"}
    was = number_setup.mend(line, telephone(), agent)
    assert was == {"voice_url": "https://old.example.com/ivr", "voice_method": "GET"}
    assert NumberSetup.objects.get().settings["voice_url"] == "https://old.example.com/ivr"
    assert number_setup.drift(number, number_setup.wanted("main")) == {}
    assert number_setup.mend(line, telephone(), agent) == {}
    assert NumberSetup.objects.count() == 1


def test_what_twilio_did_not_keep_is_told(number, line, twilio):
    number["voice_url"] = "https://old.example.com/ivr"
    number["sid"] = "PN" + "2" * 32
    twilio.numbers.append(dict(number, sid="PN" + "3" * 32))
    twilio.numbers[0], real = dict(number), twilio.numbers[0]
    twilio.answers = [200, 500, 500]
    with pytest.raises(TransportError):
        number_setup.mend(line, telephone())
    assert real is not None


def test_the_command_tells_and_ends_with_a_fault(number, twilio):
    number["voice_url"] = "https://old.example.com/ivr"
    out = StringIO()
    with pytest.raises(CommandError, match="Callers would notice"):
        call_command("preflight", stdout=out)
    assert "FAULT   Support +1 202-555-0199: Calls: https://old.example.com/ivr instead of" in out.getvalue()
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("preflight", "--mend", "--json", stdout=out)
    first, *rows = out.getvalue().splitlines()
    assert "main: voice_url was https://old.example.com/ivr" in first
    assert all(set(json.loads(row)) == {"level", "about", "what", "notice", "mend"} for row in rows)


def test_the_page_shows_the_newest_report_faults_first(client, number, twilio):
    client.force_login(person("manager", "Maya"))
    assert "Not checked yet" in client.get("/preflight/").content.decode()
    assert client.post("/preflight/check/").status_code == 302
    preflight.report()
    preflight.report()
    assert PreflightReport.objects.count() == 1
    page = client.get("/preflight/").content.decode()
    assert "faults that callers would notice" in page or "fault that callers would notice" in page
    assert page.index(">fault<") < page.index(">ok<")
