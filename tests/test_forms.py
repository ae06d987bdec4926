"""What a form asks for and does not get is named in its own words."""

from importlib import import_module

import pytest
from django.forms import BaseForm, Field

MODULES = [
    "tickets.desk.people_page",
    "triage.alerting.forms",
    "triage.incidents.forms",
    "triage.surge.topics_page",
    "triage.surge.verdict_pages",
    "voice.desk",
    "voice.dial_in_page",
    "voice.line_forms",
    "voice.simulator.page",
]
FORMS = {
    thing
    for name in MODULES
    for thing in vars(import_module(name)).values()
    if isinstance(thing, type) and issubclass(thing, BaseForm) and thing.__module__ == name
}


@pytest.mark.parametrize("form", sorted(FORMS, key=lambda form: form.__name__))
def test_what_is_missing_is_said_in_words_of_the_field(form):
    bare = Field.default_error_messages["required"]
    asked = {name: field for name, field in form.base_fields.items() if field.required}
    assert [name for name, field in asked.items() if field.error_messages["required"] == bare] == []


def test_every_form_of_the_staff_is_looked_at():
    assert len(FORMS) >= 14
