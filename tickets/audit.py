"""The audit trail: who did what, when and why."""

from typing import Any

from tickets.models import AuditEntry


def record(by: Any, action: str, target: object = "", **detail: Any) -> AuditEntry:
    """Writes one entry in the caller's transaction. `by` is a user or None; `detail` must be JSON."""
    user = by if by is not None and by.is_authenticated else None
    return AuditEntry.objects.create(by=user, action=action, target=str(target)[:200], detail=detail)
