"""On what something was done: names and addresses of what entries of the audit trail point at, one query a kind."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.urls import reverse

from tickets.models import AuditEntry, Entry, Invitation, Notice, Outgoing, Ticket
from tickets.numbers import readable
from triage.alerting.models import Alert, AlertDelivery
from triage.models import Broadcast, Incident, Surge
from triage.surge.series import name_of
from voice.models import Callback, Line, TextMessage


@dataclass(frozen=True, slots=True)
class Target:
    """What something was done to, as people read it; `url` is empty where no page shows it."""

    name: str
    url: str = ""


Found = Mapping[str, Target]
# Kind of thing → its names by what entries hold of it: an id as text, a key, a username.
Finder = Callable[[Collection[str]], Found]


def of(entries: Iterable[AuditEntry], *, manages_people: bool) -> dict[int, Target]:
    """Each entry's target by the entry's id, as many queries as there are kinds. People are linked for those alone
    who may open their page."""
    wanted: dict[Finder | None, dict[int, str]] = {}
    for entry in entries:
        wanted.setdefault(_finder(entry.action), {})[entry.pk] = entry.target.rpartition(":")[2]
    raw = {entry.pk: Target(entry.target) for entry in entries}
    for find, targets in wanted.items():
        found = find(set(targets.values())) if find else {}
        raw |= {pk: found[target] for pk, target in targets.items() if target in found}
    if manages_people:
        return raw
    return {pk: Target(one.name) if one.url == reverse("people") else one for pk, one in raw.items()}


def colleagues(ids: Collection[int]) -> dict[int, str]:
    """Names of colleagues by their ids."""
    return {one.pk: _name(one) for one in get_user_model().objects.filter(pk__in=ids)} if ids else {}


def tickets_link(pk: int) -> Target:
    """A ticket by its number."""
    return Target(f"#{pk}", reverse("ticket", args=[pk]))


def _finder(action: str) -> Finder | None:
    return _FINDERS.get(action) or _FINDERS.get(action.partition(".")[0])


def _ids(texts: Collection[str]) -> list[int]:
    return [int(text) for text in texts if text.isdecimal() and len(text) < 19]


def _name(person: Any) -> str:
    return str(person.get_full_name() or person.get_username())


def _tickets(texts: Collection[str]) -> Found:
    found = Ticket.objects.filter(pk__in=_ids(texts)).values_list("pk", "subject")
    return {str(pk): Target(f"#{pk} {subject}".strip(), reverse("ticket", args=[pk])) for pk, subject in found}


def _entries(texts: Collection[str]) -> Found:
    found = Entry.objects.filter(pk__in=_ids(texts)).values_list("pk", "ticket")
    return {str(pk): tickets_link(ticket) for pk, ticket in found}


def _mails(texts: Collection[str]) -> Found:
    found = Outgoing.objects.filter(pk__in=_ids(texts))
    return {str(row.pk): _about(f"Mail to {row.to}", row.ticket_id, "outbox") for row in found}


def _texts(texts: Collection[str]) -> Found:
    found = TextMessage.objects.filter(pk__in=_ids(texts))
    return {str(row.pk): _about(f"Text to {readable(row.to)}", row.ticket_id, "texts") for row in found}


def _about(name: str, ticket: int | None, otherwise: str) -> Target:
    return Target(name, reverse("ticket", args=[ticket]) if ticket else reverse(otherwise))


def _incidents(texts: Collection[str]) -> Found:
    return {str(one.pk): _incident(one) for one in _known_incidents().filter(pk__in=_ids(texts))}


def _problems(texts: Collection[str]) -> Found:
    return {str(one.problem_id): _incident(one) for one in _known_incidents().filter(problem__in=_ids(texts))}


def _notices(texts: Collection[str]) -> Found:
    problems = dict(Notice.objects.filter(pk__in=_ids(texts)).values_list("pk", "problem"))
    found = {one.problem_id: _incident(one) for one in _known_incidents().filter(problem__in=set(problems.values()))}
    return {str(pk): found.get(problem, Target("")) for pk, problem in problems.items()}


def _known_incidents() -> Any:
    return Incident.objects.select_related("problem")


def _incident(incident: Incident) -> Target:
    return Target(incident.problem.title, reverse("incident", args=[incident.pk]))


def _broadcasts(texts: Collection[str]) -> Found:
    found = Broadcast.objects.filter(pk__in=_ids(texts))
    return {str(one.pk): Target(one.subject, reverse("broadcast", args=[one.pk])) for one in found}


def _lines(keys: Collection[str]) -> Found:
    return {line.key: Target(str(line), reverse("line", args=[line.pk])) for line in Line.objects.filter(key__in=keys)}


def _callbacks(texts: Collection[str]) -> Found:
    found = Callback.objects.filter(pk__in=_ids(texts))
    return {
        str(one.pk): Target(f"Callback to {readable(one.number)}", reverse("callback", args=[one.pk])) for one in found
    }


def _surges(texts: Collection[str]) -> Found:
    found = Surge.objects.filter(pk__in=_ids(texts))
    return {str(one.pk): Target(f"Surge of {name_of(one.series)}", reverse("surge", args=[one.pk])) for one in found}


def _alerts(texts: Collection[str]) -> Found:
    found = Alert.objects.filter(pk__in=_ids(texts)).values_list("pk", "subject")
    return {str(pk): Target(subject, reverse("alerts")) for pk, subject in found}


def _deliveries(texts: Collection[str]) -> Found:
    found = AlertDelivery.objects.filter(pk__in=_ids(texts)).select_related("alert")
    return {str(one.pk): Target(f"{one.alert.subject}, to {one.name}", reverse("alerts")) for one in found}


def _invitations(texts: Collection[str]) -> Found:
    found = Invitation.objects.filter(pk__in=_ids(texts))
    return {str(one.pk): Target(one.note or "Invitation", reverse("invitations")) for one in found}


def _people(usernames: Collection[str]) -> Found:
    found = get_user_model().objects.filter(username__in=usernames)
    return {one.get_username(): Target(_name(one), reverse("people")) for one in found}


def _page_of(name: str) -> Finder:
    """Things that entries hold by name, all on one page."""
    return lambda names: {one: Target(one, reverse(name)) for one in names}


_FINDERS: dict[str, Finder] = {
    "ticket": _tickets,
    "entry": _entries,
    "outbox": _mails,
    "text": _texts,
    "incident": _incidents,
    "listeners": _problems,
    "callbacks.cancel_all": _problems,
    "notice": _notices,
    "broadcast": _broadcasts,
    "line": _lines,
    "lines": _lines,
    "number": _lines,
    "callback": _callbacks,
    "surge": _surges,
    "alert.acknowledge": _alerts,
    "alert": _deliveries,
    "invitation": _invitations,
    "person": _people,
    "dial_in": _people,
    "alert_route": _page_of("alerts"),
    "topic": _page_of("topics"),
    "component": _page_of("components"),
}
