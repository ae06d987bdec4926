"""What we stand on that falls together with the product which people will call about."""

import socket
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from django.conf import settings

from voice.findings import FAULT, OK, UNKNOWN, WARNING, Finding


def look() -> Iterator[Finding]:
    """Whether what we stand on falls together with the product that people will call about."""
    if not settings.PRODUCT_HOSTS:
        yield Finding(
            UNKNOWN, "Shared", "PRODUCT_HOSTS is not set: nobody can tell what we share with the product.", "",
            "Set it to the hosts of the product that support is for: app, database, DNS, mail.",
        )  # fmt: skip
    theirs = {host: _addresses(host) for host in settings.PRODUCT_HOSTS}
    clean = bool(theirs)
    for name, host in _ours().items():
        for product, addresses in theirs.items():
            how = _same(host, product, addresses)
            if how:
                clean = False
                level = WARNING if how == "domain" else FAULT
                yield Finding(
                    level, "Shared", f"{name} ({host}) has its {how} in common with {product}.",
                    "When the product goes, so does this.", "Move it to another provider, account or domain.",
                )  # fmt: skip
    if settings.FALLBACK_URL and _host(settings.FALLBACK_URL) == _host(settings.PUBLIC_URL):
        clean = False
        yield Finding(
            FAULT, "Shared", "The fallback is on the host that it shall stand in for.",
            "When that host does not answer, callers hear “an application error has occurred”.",
            "Put the export elsewhere.",
        )  # fmt: skip
    if clean:
        yield Finding(OK, "Shared", f"Nothing is shared with {', '.join(theirs)}.")


def _ours() -> dict[str, str]:
    named = {
        "The public address": _host(settings.PUBLIC_URL),
        "The database": _host(settings.DATABASE_URL),
        "Redis": _host(settings.REDIS_URL),
        "Mail": _host(settings.MAIL_URL),
        "The fallback": _host(settings.FALLBACK_URL),
    }
    return {name: host for name, host in named.items() if host}


def _same(host: str, product: str, addresses: Sequence[str]) -> str:
    if host == product:
        return "host"
    if set(_addresses(host)) & set(addresses):
        return "address"
    ending = host.split(".")[-2:]
    return "domain" if len(ending) == 2 and not host[-1].isdigit() and ending == product.split(".")[-2:] else ""


def _addresses(host: str) -> list[str]:
    try:
        return sorted({str(info[4][0]) for info in socket.getaddrinfo(host, None)})
    except OSError:
        return []


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
