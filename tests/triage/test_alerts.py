"""Managers hear of what happens, agents do not."""

import pytest
from django.contrib.auth.models import Group, User

from tickets.models import Outgoing
from triage import alerts

pytestmark = pytest.mark.django_db


def test_each_manager_with_an_address_gets_one_mail():
    for name, role, email in (("a", "manager", "a@x.org"), ("b", "agent", "b@x.org"), ("c", "manager", "")):
        user = User.objects.create_user(name, email=email)
        user.groups.add(Group.objects.get(name=role))
        if name == "a":
            user.groups.add(Group.objects.get(name="administrator"))
    assert alerts.notify("incident", "Incident mode entered", "Logins fail") == 1
    mail = Outgoing.objects.get()
    assert (mail.to, mail.kind, mail.subject) == ("a@x.org", "alert", "Incident mode entered")
