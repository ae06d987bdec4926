from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from tickets.mail import tokens
from tickets.mail.reading import read
from tickets.models import CountsAs

NOW = datetime(2026, 11, 23, tzinfo=UTC)

MIXED = b"""From: Jo Doe <jo@example.org>
Subject: Help
Content-Type: multipart/mixed; boundary="out"

Readers without MIME see this.
--out
Content-Type: multipart/alternative; boundary="in"

--in
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

It does n=C3=B6t work.
--in
Content-Type: text/html; charset=utf-8

<p onclick="x()">It does <b>not</b> work.</p><img src="https://track.example/1.gif"><script>x()</script>
--in--
--out
Content-Type: image/png; name="screen.png"
Content-Transfer-Encoding: base64
Content-ID: <screen@jo>
Content-Disposition: inline; filename="screen.png"

iVBORw0KGgo=
--out
Content-Type: message/rfc822

Subject: Inside

Another.
--out
Content-Type: application/pdf
Content-Disposition: attachment; filename="../../etc/pass\\wd.pdf"

%PDF
--out--
"""


def mail(**fields: str) -> bytes:
    fields = {"From": "Jo Doe <jo@example.org>", "Subject": "Help", **fields}
    head = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    return f"{head}\nIt does not work.\n".encode("utf-8", "surrogateescape")


def test_text_html_and_files_are_told_apart():
    message = read(MIXED, NOW)
    assert message.text == "It does nöt work."
    assert "<b>not</b>" in message.html
    assert [file.name for file in message.attachments] == ["screen.png", "message.eml", "wd.pdf"]
    assert message.attachments[0].content == b"\x89PNG\r\n\x1a\n"
    assert message.attachments[0].content_id == "screen@jo"
    assert message.attachments[1].content.startswith(b"Subject: Inside")


def test_html_is_shown_without_scripts_handlers_and_remote_images():
    html = read(MIXED, NOW).html
    assert not any(word in html for word in ("script", "onclick", ' src="http', "x()"))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ('filename="a.png"', "a.png"),
        ("filename=a.png", "a.png"),
        ('filename="C:\\TEMP\\a.png"', "a.png"),
        ('filename="/etc/passwd"', "passwd"),
        ('filename="../../a.png"', "a.png"),
        ('filename="Invoice 11/2026.pdf"', "Invoice 11_2026.pdf"),
        ('filename="invoice\u202efdp.exe"', "invoice_fdp.exe"),
        ('filename="=?utf-8?q?Fr=C3=B6sche.txt?="', "Frösche.txt"),
        ("filename*=utf-8''Fr%C3%B6sche.txt", "Frösche.txt"),
        ("filename*0*=utf-8''Fr%C3%B6; filename*1=sche.txt", "Frösche.txt"),
        ('filename="Frösche.txt"', "Frösche.txt"),
        (b'filename="Fr\xf6sche.txt"'.decode("utf-8", "surrogateescape"), "Frösche.txt"),
        ("", "noname1"),
    ],
)
def test_file_names_are_safe_and_whole(value, name):
    raw = mail(Content_Type="application/octet-stream", Content_Disposition=f"attachment; {value}")
    assert [file.name for file in read(raw, NOW).attachments] == [name]


def test_files_in_the_middle_of_a_text_are_taken_out():
    encoded = "begin 644 C:\\a.txt\n#0V%T\n`\nend\n"
    message = read(mail() + f"See below.\n\n{encoded}\nbegin 644 is how it starts\n\nRegards\n".encode(), NOW)
    assert [(file.name, file.content) for file in message.attachments] == [("a.txt", b"Cat")]
    assert message.text.split() == "It does not work. See below. begin 644 is how it starts Regards".split()


def test_the_seal_of_a_signed_message_is_no_file():
    raw = mail(Content_Type='multipart/signed; boundary="b"') + (
        b"--b\n\nSigned.\n--b\nContent-Type: application/pgp-signature; name=signature.asc\n\nxyz\n--b--\n"
    )
    message = read(raw, NOW)
    assert (message.text, message.attachments) == ("Signed.", ())


@pytest.mark.parametrize(
    ("value", "email", "name"),
    [
        ("jo@example.org", "jo@example.org", ""),
        ('"Doe, Jo" <Jo@Example.org>', "jo@example.org", "Doe, Jo"),
        ("Doe, Jo <jo@example.org>", "jo@example.org", "Doe, Jo"),
        ("=?utf-8?q?J=C3=B6?= <jo@example.org>", "jo@example.org", "Jö"),
        ("Jö <jo@example.org>", "jo@example.org", "Jö"),
        (b"J\xf6 <jo@example.org>".decode("utf-8", "surrogateescape"), "jo@example.org", "Jö"),
        ("jo@example.org (Jo Doe)", "jo@example.org", "Jo Doe"),
        ("nobody", "envelope@example.org", ""),
        ("", "envelope@example.org", ""),
    ],
)
def test_the_sender_is_who_wrote(value, email, name):
    message = read(mail(From=value), NOW, sender="envelope@example.org")
    assert (message.sender, message.name) == (email, name)


def test_answers_go_where_reply_to_says_and_the_author_is_noted():
    message = read(mail(Reply_To="office@example.org"), NOW)
    assert (message.sender, message.name, message.payload["from"]) == ("office@example.org", "Jo Doe", "jo@example.org")


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        ("Plain", "Plain"),
        ("Two\n lines", "Two lines"),
        ("=?utf-8?B?SGllcg==?=\n =?utf-8?Q?_und?= da", "Hier und da"),
        ("=?iso-8859-8-i?Q?=E0?=", "א"),
        ("=?x-nowhere?Q?caf=C3=A9?=", "café"),
        ("=?gb2312?B?xOO6ww==?=", "你好"),
        (b"Gr\xfc\xdfe".decode("utf-8", "surrogateescape"), "Grüße"),
        ("=?utf-8?q?broken", "=?utf-8?q?broken"),
    ],
)
def test_subjects_are_decoded(value, subject):
    assert read(mail(Subject=value), NOW).subject == subject


@pytest.mark.parametrize(
    "before", [b"\n", b"\r\n \r\n", b"From jo@example.org Mon Nov 23 10:00:00 2026\n", b">From x\n\n"]
)
def test_a_blank_or_mbox_line_before_the_headers_hides_nothing(before):
    message = read(before + mail(), NOW)
    assert (message.sender, message.subject, message.visible) == ("jo@example.org", "Help", "It does not work.")


def test_a_boundary_other_than_announced_is_found():
    message = read(MIXED.replace(b'boundary="out"', b'boundary="other"'), NOW)
    assert message.text == "It does nöt work."


def test_text_that_came_as_html_alone_is_text():
    raw = b"From: jo@example.org\nContent-Type: text/html\n\n<title>T</title><p>One</p><p>Two &amp; three</p>"
    assert read(raw, NOW).text == "One\nTwo & three"


def test_a_token_in_any_recipient_leads_to_the_ticket():
    address = tokens.reply_address(SimpleNamespace(pk=7))
    assert read(mail(Cc=f"other@example.org, Support <{address}>"), NOW).reply_to == 7
    assert read(mail(), NOW, recipients=[address.upper()]).reply_to == 7
    assert read(mail(To=address.replace("+7-", "+8-")), NOW).reply_to is None


def test_our_own_message_is_known_again():
    assert read(mail(Message_ID=tokens.message_id(None)), NOW).counts_as == CountsAs.OWN


def test_text_beyond_what_is_shown_is_attached_whole():
    message = read(mail() + b"x" * 600_000, NOW)
    assert len(message.text) == 500_000
    assert message.attachments[0].name == "message.txt"
    assert len(message.attachments[0].content) > 600_000
