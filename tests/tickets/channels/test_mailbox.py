"""Mailboxes on a real Dovecot: kept first and flagged after, once however often, and no failure loses or storms."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now
from imap_tools import MailBoxUnencrypted

from tests.dovecot import PASSWORD, Dovecot
from tests.servers import HOST
from tests.tickets import mailings
from tickets import intake, journal, spool
from tickets.channels import mailbox
from tickets.models import Arrival, Heartbeat, MailboxState, Pulse, Ticket


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot() as server:
        yield server


@pytest.fixture
def user(request) -> str:
    """Everybody has a mailbox of their own."""
    return f"u{abs(hash(request.node.nodeid)) % 10**9}"


class Box:
    """Somebody's mailbox, as a mail server fills it and a person looks into it."""

    def __init__(self, server: Dovecot, user: str) -> None:
        self.server, self.user = server, user

    def open(self) -> MailBoxUnencrypted:
        opened = MailBoxUnencrypted(HOST, self.server.port)
        opened.login(self.user, PASSWORD.replace(" ", "_"))
        return opened

    def put(self, *raws: bytes) -> None:
        with self.open() as opened:
            for raw in raws:
                opened.append(raw, "INBOX")

    def kept(self) -> int:
        with self.open() as opened:
            return len(opened.uids(f"KEYWORD {mailbox.KEPT}"))

    def count(self, folder: str = "INBOX") -> int:
        with self.open() as opened:
            opened.folder.set(folder)
            return len(opened.uids("ALL"))

    def address(self, **query: str) -> mailbox.Address:
        return mailbox.parsed(self.server.url(self.user, **query))


@pytest.fixture
def box(dovecot, user) -> Box:
    return Box(dovecot, user)


@pytest.mark.django_db
def test_a_message_becomes_a_ticket_and_is_flagged_once_it_is_kept(box):
    box.put(mailings.raw_mail("Nothing works."), b"From: x\r\nSubject: \xff\xfe\r\n\r\n\x00broken \xe9")
    assert mailbox.poll(box.address()) == 2
    assert box.kept() == 2
    assert mailbox.poll(box.address()) == 0
    intake.understand_all()
    assert Ticket.objects.count() == 2
    assert Arrival.objects.filter(channel="mailbox", line=f"{box.user}@{HOST}/INBOX").count() == 2


@pytest.mark.django_db
def test_a_message_happened_when_the_server_took_it_in_however_late_it_is_fetched(box):
    """A mailbox that was down for hours brings what is old: it counts where it belongs, never in the future."""
    taken_in = datetime(2026, 3, 2, 9, 14, 55, tzinfo=timezone(timedelta(hours=-5)))
    with box.open() as opened:
        opened.append(mailings.raw_mail("Old.", Date="Mon, 02 Mar 2020 09:00:00 +0000"), "INBOX", dt=taken_in)
        opened.append(mailings.raw_mail("New."), "INBOX", dt=now() + timedelta(days=3))
    assert mailbox.poll(box.address()) == 2
    old, new = Arrival.objects.order_by("pk").values_list("happened_at", flat=True)
    assert old == taken_in
    assert abs(new - now()) < timedelta(minutes=1)


@pytest.mark.django_db
def test_a_poll_is_a_heartbeat_and_a_failure_is_none(box, settings):
    assert mailbox.poll_when_due(box.address()) == ""
    source = f"mailbox:{box.user}@{HOST}/INBOX"
    pulse = Pulse.objects.get(source=source)
    assert pulse.failing_since is None
    assert Heartbeat.objects.filter(source=source).exists()
    wrong = replace(box.address(), password="wrong")
    assert "refuses" in mailbox.poll_when_due(wrong)
    pulse.refresh_from_db()
    assert pulse.failing_since is not None
    assert "refuses" in pulse.error


@pytest.mark.django_db
def test_a_message_is_moved_where_that_is_wanted(box):
    with box.open() as opened:
        opened.folder.create("Done")
    box.put(mailings.raw_mail())
    assert mailbox.poll(box.address(move="Done")) == 1
    assert (box.count(), box.count("Done")) == (0, 1)


@pytest.mark.django_db
def test_what_cannot_be_kept_stays_and_is_taken_in_the_next_poll(box, monkeypatch):
    box.put(mailings.raw_mail())

    def full(record):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tickets.journal._store_here", lambda record: None)
        patch.setattr(spool, "write", full)
        with pytest.raises(journal.NotKept):
            mailbox.poll(box.address())
    assert box.kept() == 0
    assert mailbox.poll(box.address()) == 1
    assert Arrival.objects.count() == 1


@pytest.mark.django_db
def test_a_poll_that_breaks_off_before_the_flag_makes_no_duplicate(box, monkeypatch):
    box.put(mailings.raw_mail("One."), mailings.raw_mail("Two."))

    def cut(*_, **__):
        raise ConnectionResetError("cut")

    with monkeypatch.context() as patch:
        patch.setattr(MailBoxUnencrypted, "flag", cut)
        with pytest.raises(ConnectionResetError):
            mailbox.poll(box.address())
    assert (Arrival.objects.count(), box.kept()) == (1, 0)
    mailbox.poll(box.address())
    intake.understand_all()
    assert (Arrival.objects.count(), Ticket.objects.count(), box.kept()) == (2, 2, 2)


@pytest.mark.django_db(transaction=True)
def test_polls_that_overlap_take_each_message_once(box):
    box.put(*(mailings.raw_mail(f"Message {number}.") for number in range(20)))
    faults = []

    def poll():
        try:
            mailbox.poll(box.address())
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=poll) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    spool.drain(journal.store)
    assert (Arrival.objects.count(), box.kept()) == (20, 20)


@pytest.mark.django_db
def test_a_mailbox_that_was_made_anew_brings_nobody_twice(box, monkeypatch):
    """Its numbers mean other messages then (UIDVALIDITY); what is in it again is told by its Message-ID."""
    box.put(mailings.raw_mail(Message_ID="<one@example.org>"))
    mailbox.poll(box.address())
    with box.open() as opened:
        opened.flag(opened.uids("ALL"), mailbox.KEPT, False)
    place = mailbox._incoming
    monkeypatch.setattr(mailbox, "_incoming", lambda address, where, *rest: place(address, f"9{where}", *rest))
    mailbox.poll(box.address())
    intake.understand_all()
    assert (Arrival.objects.count(), Ticket.objects.count()) == (2, 1)


@pytest.mark.django_db
def test_a_message_that_is_too_large_is_a_ticket_that_says_so(box, monkeypatch):
    monkeypatch.setattr(mailbox, "LARGEST", 2000)
    box.put(mailings.raw_mail("word " * 1000, Subject="A film"), mailings.raw_mail("Small."))
    assert mailbox.poll(box.address()) == 2
    intake.understand_all()
    ticket = Ticket.objects.get(subject="A film")
    assert "still in the mailbox" in ticket.entries.get(kind="message").visible
    assert (Ticket.objects.count(), box.count()) == (2, 2)


@pytest.mark.django_db
def test_a_wrong_password_is_told_and_not_tried_again_at_once(box):
    box.put(mailings.raw_mail())
    wrong = mailbox.parsed(box.server.url(box.user).replace(PASSWORD.replace(" ", "_"), "wrong"))
    assert mailbox.poll_when_due(wrong) == "the server refuses user and password"
    state = MailboxState.objects.get()
    assert state.failures == 1
    assert state.next_try_at > now() + timedelta(seconds=mailbox.FIRST_PAUSE - 5)
    assert mailbox.poll_when_due(wrong) == state.error
    assert MailboxState.objects.get().failures == 1
    MailboxState.objects.update(next_try_at=now())
    assert mailbox.poll_when_due(box.address()) == ""
    assert (MailboxState.objects.get().failures, Arrival.objects.count()) == (0, 1)


@pytest.mark.django_db
def test_a_server_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(mailbox, "PATIENCE", 0.3)
    with socket.create_server((HOST, 0)) as deaf:
        address = mailbox.parsed(f"imap://u:p@{HOST}:{deaf.getsockname()[1]}/")
        assert "time" in mailbox.poll_when_due(address).lower()


@pytest.mark.django_db
@pytest.mark.parametrize("scheme", ["imaps", "imap+starttls"])
def test_an_encrypted_mailbox_is_read_where_its_certificate_is_trusted(scheme, box, monkeypatch):
    box.put(mailings.raw_mail())
    address = mailbox.parsed(box.server.encrypted_url(box.user, scheme))
    with pytest.raises(mailbox.FAULTS, match="CERTIFICATE_VERIFY_FAILED"):
        mailbox.poll(address)
    assert box.kept() == 0
    monkeypatch.setenv("SSL_CERT_FILE", str(box.server.certificate))
    assert mailbox.poll(address) == 1
    assert box.kept() == 1


@pytest.mark.django_db
def test_the_command_says_what_was_new_and_what_failed(box, settings, capsys):
    box.put(mailings.raw_mail())
    settings.MAILBOXES = [box.server.url(box.user), f"imap://u:p@{HOST}:1/INBOX"]
    with pytest.raises(CommandError, match="1 mailboxes could not be read"):
        call_command("poll_mailboxes")
    said = capsys.readouterr()
    assert f"{box.user}@{HOST}/INBOX: 1 new" in said.out
    assert "u@" in said.err


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("pop3://u:p@host/", "begins with"), ("imaps://host/INBOX", "needs user"), ("imaps://u@host/", "needs user"),
        ("imaps://u:secret@host:port/", "no number"), ("nonsense", "begins with"),
    ],
)  # fmt: skip
def test_a_wrong_address_is_told_without_its_password(url, words):
    with pytest.raises(mailbox.BadAddress, match=words) as caught:
        mailbox.parsed(url)
    assert "secret" not in str(caught.value)


def test_an_address_is_read_whole():
    found = mailbox.parsed("imaps://jo%40acme.example:p%2Fw@imap.example.com/Support%2FNew?move=Done")
    assert (found.user, found.password, found.port) == ("jo@acme.example", "p/w", 993)
    assert (found.folder, found.move) == ("Support/New", "Done")
    assert "p/w" not in found.name
