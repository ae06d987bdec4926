"""What the templates say about places: the rail shows where one is."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.house import person


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("callbacks_manage", "callbacks"),
        ("texts", "callbacks"),
        ("topics", "control"),
        ("surge_declare", "control"),
        ("incident_enter", "control"),
        ("line_new", "lines"),
        ("alert_route_new", "alerts"),
        ("dial_in", "mfa_index"),
    ],
)
def test_pages_behind_a_link_of_the_rail_mark_it(client: Client, page: str, link: str) -> None:
    client.force_login(person("manager"))
    assert f'href="{reverse(link)}" aria-current="page"' in client.get(reverse(page)).content.decode()
