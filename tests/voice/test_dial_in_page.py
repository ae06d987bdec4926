"""Where a manager sets the numbers and the PIN for switching lines by phone."""

import re
from html import unescape

import pytest
from django.contrib.auth.hashers import check_password
from django.core.cache import cache
from django.utils import timezone

from tests.house import PASSWORD, person
from tickets.models import AuditEntry
from voice import pins
from voice.models import DialIn, DialInNumber

pytestmark = pytest.mark.django_db
PAGE, PIN = "/accounts/lines-by-phone/", "480917"


@pytest.fixture(autouse=True)
def tries():
    """Tries are counted by a person's id, which a rolled back test gives to the next."""
    cache.clear()


@pytest.fixture
def maya(client):
    manager = person("manager", "Maya Okafor")
    client.force_login(manager)
    return manager


def given(**entered):
    return {"numbers": "+1 201 555 0177", "pin": PIN, "again": PIN, "password": PASSWORD, **entered}


def words(answer):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def numbers():
    return sorted(DialInNumber.objects.values_list("number", flat=True))


def test_a_manager_sets_numbers_and_pin_and_sees_the_pin_nowhere(client, maya, line):
    answer = client.post(PAGE, given(numbers="+1 201 555 0177\n+442079460011"), follow=True)
    assert "From the next call on" in words(answer)
    assert numbers() == ["+12015550177", "+442079460011"]
    owner = DialIn.objects.get(user=maya)
    assert check_password(PIN, owner.pin)
    again = client.get(PAGE)
    assert "+1 201-555-0177" in again.content.decode()
    for page in (answer, again):
        assert PIN not in page.content.decode()
        assert owner.pin not in page.content.decode()
    told = AuditEntry.objects.get(action="dial_in.set")
    assert (told.by, told.detail["new_pin"]) == (maya, True)
    assert PIN not in str(told.detail)


def test_the_numbers_can_be_changed_and_the_pin_kept(client, maya):
    pins.keep(maya, ["+12015550177"], PIN)
    client.post(PAGE, given(numbers="+12015550166", pin="", again=""))
    assert numbers() == ["+12015550166"]
    assert check_password(PIN, DialIn.objects.get().pin)


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ({"pin": "", "again": ""}, "6 to 12 digits"),
        ({"again": "480918"}, "The two are not the same"),
        ({"pin": "123456", "again": "123456"}, "first that anybody would try"),
        ({"pin": "555017", "again": "555017"}, "part of your phone number"),
        ({"numbers": "+1 201 555 0177\nfour"}, "four is no phone number"),
        ({"numbers": "+12025550199"}, "one of our own lines"),
        ({"numbers": "\n".join(f"+1201555017{number}" for number in range(6))}, "5 numbers at most"),
        ({"numbers": "+12015550155"}, "belongs to another manager"),
        ({"numbers": ""}, "Enter at least one number"),
        ({"password": "a stormy harbour"}, "This is not your password"),
        ({"password": ""}, "Enter the password that you sign in with"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_saved(client, maya, line, entered, said):
    pins.keep(person("manager"), ["+12015550155"], "602483")
    sent = given(**entered)
    answer = client.post(PAGE, sent)
    assert answer.status_code == 422
    assert said in words(answer)
    page = unescape(answer.content.decode())
    assert sent["numbers"] in page.replace("\r", ""), "what was entered stands there still"
    assert not any(f'value="{secret}"' in page for secret in (sent["pin"], PASSWORD) if secret)
    assert not DialIn.objects.filter(user=maya).exists()


def test_it_can_be_taken_away(client, maya):
    pins.keep(maya, ["+12015550177"], PIN)
    assert "Taken away" in words(client.post(f"{PAGE}remove/", follow=True))
    assert not DialIn.objects.exists()
    assert "nothing to take away" in words(client.post(f"{PAGE}remove/", follow=True))


def test_what_was_entered_on_the_phone_and_a_lock_are_shown(client, maya):
    pins.keep(maya, ["+12015550177"], PIN)
    assert "None yet." in words(client.get(PAGE))
    pins.check("+12015550177", PIN, sid="CA1", place=0, wanted=lambda: None)
    page = words(client.get(PAGE))
    assert "from +1 201-555-0177 right" in page
    assert "Too many wrong PINs" not in page
    for place in range(pins.OF_NUMBER):
        pins.check("+12015550177", "739150", sid="CA2", place=place, wanted=lambda: None)
    assert "Too many wrong PINs" in words(client.get(PAGE))
    client.post(PAGE, given(pin="602483", again="602483"))
    assert not pins.locked(DialIn.objects.get(), timezone.now())


def test_it_asks_as_many_queries_with_one_number_as_with_five(client, maya, django_assert_max_num_queries):
    def queries():
        with django_assert_max_num_queries(100) as seen:
            client.get(PAGE)
        return len(seen)

    pins.keep(maya, ["+12015550170"], PIN)
    pins.check("+12015550170", "739150", sid="CA1", place=0, wanted=lambda: None)
    one = queries()
    pins.keep(maya, [f"+1201555017{number}" for number in range(5)])
    for number in range(5):
        pins.check(f"+1201555017{number}", "739150", sid=f"CA{number}", place=1, wanted=lambda: None)
    assert queries() == one


def test_who_signs_in_without_a_password_is_asked_for_none(client, maya):
    maya.set_unusable_password()
    maya.save()
    client.force_login(maya)
    assert "Your password" not in words(client.get(PAGE))
    client.post(PAGE, given())
    assert numbers() == ["+12015550177"]


def test_passwords_are_not_guessed_here(client, maya):
    for _ in range(10):
        client.post(PAGE, given(password="a stormy harbour"))
    answer = client.post(PAGE, given())
    assert answer.status_code == 422
    assert "Too many tries" in words(answer)
    assert not DialIn.objects.exists()
