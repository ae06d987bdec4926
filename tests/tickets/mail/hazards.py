"""Messages made to hurt a reader: each by name, with the words that must still be found in it, if any."""

import base64

HEAD = b"From: Jo <jo@example.org>\r\nSubject: Help\r\n"
HTML = HEAD + b"Content-Type: text/html\r\n\r\n"
MULTIPART = HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'


def plain(**fields: bytes) -> bytes:
    head = b"".join(name.replace("_", "-").encode() + b": " + value + b"\r\n" for name, value in fields.items())
    return head + b"\r\nIt does not work."


def typed(content_type: bytes, body: bytes) -> bytes:
    return HEAD + b"Content-Type: " + content_type + b"\r\n\r\n" + body


def encoded(encoding: bytes, body: bytes) -> bytes:
    return HEAD + b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body


def nested(levels: int, field: bytes = b"Content-Type: ", end: bytes = b"\r\n") -> bytes:
    raw = HEAD
    for level in range(levels):
        raw += field + b'multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level)
    return (raw + b"Content-Type: text/plain\r\n\r\nIt does not work.\r\n").replace(b"\r\n", end)


HAZARDS: dict[str, bytes] = {
    "500 open parentheses in From": plain(From=b"(" * 500 + b" jo@example.org"),
    "100,000 open parentheses in From": plain(From=b"(" * 100_000 + b" jo@example.org"),
    "1,000 nested multiparts": nested(1000),
    "1,000 nested multiparts, folded": nested(1000, b"Content-Type:\r\n "),
    "1,000 nested multiparts, bare CR": nested(1000, end=b"\r"),
    "one boundary on every level": (b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n' * 500) + b"\r\nhi",
    "50 deep and 4 MB": nested(50) + b"xxxxxxx\r\n" * 500_000,
    "nested messages": typed(b"message/rfc822", b"Content-Type: message/rfc822\r\n\r\n" * 1000 + b"hi"),
    "4,000 addresses in To": HEAD + plain(To=b", ".join(b"a%d@example.org" % i for i in range(4000))),
    "quotes without end": plain(From=b'"\\' * 5000),
    "groups without end": plain(From=b"a:" * 5000),
    "dots": plain(From=b"." * 9000 + b"@x"),
    "an encoded subject of 80 kB": plain(From=b"jo@example.org", Subject=b"=?utf-8?q?" + b"=41" * 27_000 + b"?="),
    "5,000 encoded words": plain(From=b"jo@example.org", Subject=b"\r\n ".join([b"=?utf-8?b?QUFB?="] * 5000)),
    "50,000 references": HEAD + plain(References=b" ".join(b"<%d@example.org>" % i for i in range(50_000))),
    "100,000 header fields": HEAD + b"".join(b"X-%d: y\r\n" % i for i in range(100_000)) + b"\r\nhi",
    "a header of 4 MB": HEAD + plain(X_Long=b"y\r\n " * 1_000_000),
    "a header without end": HEAD + b"X-Y: y\r\n" * 500_000,
    "500,000 parts": MULTIPART + b"--b\r\n\r\n" * 500_000,
    "100,000 lines that are nearly a boundary": MULTIPART + b"--bb\r\n" * 100_000,
    "200,000 elements open at once": HTML + b"<div>" * 60_000,
    "formatting that never ends": HTML + b"<b><p>" * 30_000,
    "100,000 attributes": HTML + b"<p " + b"".join(b"a%d=1 " % i for i in range(100_000)) + b">hi",
    "titles that never end": HTML + b"<title>" * 40_000,
    "brackets": HTML + b"<" * 300_000,
    "a quotation of 1 MB": HEAD + b"\r\n" + b"> hello\n" * 120_000,
    "introductions without end": HEAD + b"\r\n" + b"On Monday, somebody\n" * 40_000,
    "one introduction without end": HEAD + b"\r\n" + b"On Monday " * 80_000,
    "blank lines": HEAD + b"\r\n" + b"\n" * 1_000_000,
    "blanks": HEAD + b"\r\n" + b" " * 1_000_000,
    "an unknown charset": typed(b"text/plain; charset=x-nowhere", b"It does not work."),
    "a charset that is a compression": typed(b"text/plain; charset=zip", b"It does not work."),
    "a charset that takes the square of time": typed(
        b"text/plain; charset=punycode", b"a" * 50_000 + b"-" + b"9" * 50_000
    ),
    "a charset with a NUL": typed(b'text/plain; charset="a\0b"', b"It does not work."),
    "20,000 continued parameters": typed(b"text/plain;" + b"".join(b" name*%d=x;" % i for i in range(20_000)), b"hi"),
    "parameters of wrong shape": HEAD
    + b"Content-Disposition: attachment; filename*9999999999=x; filename*a=y\r\n\r\nhi",
    "a file name in an unknown charset": HEAD + b"Content-Disposition: attachment; filename*=nope''%ff%zz\r\n\r\nhi",
    "quotes in parameters": typed(b'text/plain; name="' + b'\\"' * 50_000, b"hi"),
    "base64 that is none": encoded(b"base64", b"!" * 1_000_000),
    "base64 with padding everywhere": encoded(b"base64", b"QQ==" * 250_000),
    "uuencoded nothing": encoded(b"x-uuencode", b"begin 644 x\n" + b"\n" * 1_000_000),
    "100,000 recipients of one report": typed(
        b"message/delivery-status",
        b"Final-Recipient: rfc822; a@example.org\nAction: failed\nStatus: 5.1.1\n\n" * 100_000,
    ),
    "nothing": b"",
    "NULs": b"\0" * 100_000,
    "an mbox line again and again": b"From x\n" * 200_000 + HEAD,
    "noise": bytes(range(256)) * 4000,
    "10 MB attached": MULTIPART
    + b"--b\r\n\r\nIt does not work.\r\n--b\r\nContent-Type: application/zip; name=x.zip\r\n"
    + b"Content-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(bytes(range(256)) * 40_000)
    + b"--b--\r\n",
}
