"""What state each part of the product is in: its everyday status, with what incidents lay over it."""

from collections.abc import Iterable, Mapping

from triage.models import Component, Incident

# From good to bad; maintenance is announced and therefore better than degraded.
ORDER: list[str] = [
    Component.Status.OPERATIONAL,
    Component.Status.MAINTENANCE,
    Component.Status.DEGRADED,
    Component.Status.PARTIAL,
    Component.Status.MAJOR,
]


def worst(statuses: Iterable[str]) -> str:
    """The worst of them; operational where there is none."""
    return max(statuses, key=ORDER.index, default=Component.Status.OPERATIONAL)


def effective(components: Iterable[Component], incidents: Iterable[Incident]) -> Mapping[int, str]:
    """Component id → status in force. Leaving an incident takes away its own and nothing else."""
    held = [incident.components for incident in incidents]
    return {
        part.pk: worst([part.status, *(laid[str(part.pk)] for laid in held if str(part.pk) in laid)])
        for part in components
    }


def all_operational(
    components: Iterable[Component], incidents: Iterable[Incident], chosen: Mapping[str, str] | None = None
) -> bool:
    """Whether customers read that every part works, with `chosen` (id as text → status) laid over as well; where no
    part is named, nothing of the kind is read."""
    shown = {str(pk): status for pk, status in effective(components, incidents).items()}
    laid = {key: worst([status, (chosen or {}).get(key, status)]) for key, status in shown.items()}
    return set(laid.values()) == {Component.Status.OPERATIONAL}
