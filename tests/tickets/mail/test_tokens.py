from types import SimpleNamespace

import pytest

from tickets.mail import tokens

TICKET = SimpleNamespace(pk=4711)


def test_an_address_leads_back_to_its_ticket_in_any_case():
    address = tokens.reply_address(TICKET)
    assert tokens.ticket_of(address) == tokens.ticket_of(address.upper()) == 4711
    assert len(address.partition("@")[0]) <= 64


def test_a_message_id_leads_back_to_its_ticket():
    assert tokens.ticket_of_message_id(tokens.message_id(TICKET)) == 4711
    assert tokens.ticket_of_message_id(tokens.message_id(None)) == 0
    assert tokens.message_id(TICKET) != tokens.message_id(TICKET)


@pytest.mark.parametrize("change", [("4711", "4712"), ("+", "-"), ("-", "-a")])
def test_a_changed_address_leads_nowhere(change):
    assert tokens.ticket_of(tokens.reply_address(TICKET).replace(*change)) is None


def test_a_changed_message_id_leads_nowhere():
    assert tokens.ticket_of_message_id(tokens.message_id(TICKET).replace("4711.", "4712.")) is None


def test_tokens_of_one_kind_do_not_serve_as_the_other(settings):
    address = tokens.reply_address(TICKET)
    settings.SECRET_KEY = "another-installation"
    assert tokens.ticket_of(address) is None
