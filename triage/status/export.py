"""The status page as files: composed from the database, written durably and only when something changed."""

import json
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import transaction
from django.db.models import Prefetch, Q
from django.template.loader import render_to_string
from django.utils import timezone, translation

from tickets.blobs import write_durably
from tickets.mail.words import FALLBACK
from tickets.wording import LANGUAGES, words
from triage.models import Component, Incident, Update
from triage.status.components import effective, worst

log = logging.getLogger(__name__)

# Days that a solved incident stays on the page.
PAST_DAYS = 14
ASSETS = ("base.css", "public.css", "icon.svg")


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page says."""

    components: list[dict[str, Any]]
    current: list[Incident]
    past: list[Incident]

    @property
    def indicator(self) -> str:
        """none, minor, major or critical: the worst impact that is on, else what the components say."""
        order = Incident.Impact.values
        if self.current:
            return max((incident.impact for incident in self.current), key=order.index)
        state = worst(part["status"] for part in self.components)
        if state == Component.Status.MAJOR:
            return "major"
        return "minor" if state in (Component.Status.PARTIAL, Component.Status.DEGRADED) else "none"

    @property
    def next_update_by(self) -> datetime | None:
        return min((i.next_update_by for i in self.current if i.next_update_by), default=None)


def folder() -> Path:
    """Where the export lies."""
    return Path(settings.EXPORT_ROOT) / "status"


def compose(now: datetime | None = None) -> Page:
    """Reads what the page says: three queries, however many incidents."""
    since = (now or timezone.now()) - timedelta(days=PAST_DAYS)
    shown = (
        Incident.objects.filter(Q(left_at=None) | Q(left_at__gte=since))
        .select_related("problem")
        .prefetch_related(Prefetch("updates", Update.objects.order_by("-at", "-pk")))
        .order_by("-entered_at")
    )
    current = [incident for incident in shown if incident.left_at is None]
    parts = list(Component.objects.all())
    status = effective(parts, current)
    components = [{"id": part.pk, "name": part.name, "status": status[part.pk]} for part in parts]
    return Page(components, current, [incident for incident in shown if incident.left_at is not None])


def file_of(language: str) -> str:
    """The page's file: index.html in English, index.<tag>.html in the other languages."""
    return "index.html" if language == FALLBACK else f"index.{language}.html"


def files_of(page: Page) -> dict[str, bytes]:
    """The export: a page for each language, style sheets and icon beside it, and the same facts for programs."""
    made = {file_of(language): render_page(page, language, styles="").encode() for language in LANGUAGES}
    made["status.json"] = json.dumps(_document(page), indent=1, ensure_ascii=False).encode()
    for name in ASSETS:
        found = finders.find(f"breakwater/{name}")
        if found:
            made[name] = Path(found).read_bytes()
    return made


def render_page(page: Page, language: str, styles: str) -> str:
    """The page's HTML. `styles` is where its style sheets are; empty: beside the page in the export."""
    others = [(tag, name, file_of(tag)) for tag, name in LANGUAGES.items() if tag != language and not styles]
    with translation.override(language):
        return render_to_string(
            "status/page.html",
            {
                "page": page,
                "styles": styles,
                "language": language,
                # What managers write is in the house's language.
                "own": settings.LANGUAGE_CODE,
                "others": others,
                "say": words("status", language, zone=settings.TIME_ZONE, days=PAST_DAYS),
                "organisation": settings.ORGANISATION,
                "demo": settings.DEMO,
                "help_url": f"{settings.PUBLIC_URL}/help/",
                "subscribe_url": f"{settings.PUBLIC_URL}/status/subscription/",
            },
        )


def refresh(now: datetime | None = None) -> bool:
    """Writes what changed, the pages last. True if anything did."""
    target = folder()
    target.mkdir(parents=True, exist_ok=True)
    changed = False
    made = files_of(compose(now))
    for name in sorted(made, key=lambda name: name.endswith(".html")):
        if _on_disk(target / name) != made[name]:
            write_durably(target / name, made[name])
            changed = True
    return changed


def refresh_after_commit() -> None:
    """Once the caller's transaction is committed, in this process, so that the page is current at once."""
    transaction.on_commit(refresh_quietly, robust=True)


def refresh_quietly() -> None:
    """What cannot be written now is written by the watch: no action fails because of the export."""
    try:
        refresh()
    except Exception:
        log.exception("status page could not be exported")


def _on_disk(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _document(page: Page) -> dict[str, Any]:
    """The shape of Statuspage's public API v2, /api/v2/summary.json."""
    updated = [update.at for incident in page.current + page.past for update in incident.updates.all()]
    return {
        "page": {
            "id": "breakwater",
            "name": settings.ORGANISATION,
            "url": f"{settings.PUBLIC_URL}/status/",
            "time_zone": "Etc/UTC",
            "updated_at": max(updated).isoformat() if updated else None,
        },
        "status": {"indicator": page.indicator, "description": words("status", FALLBACK)[page.indicator]},
        "components": [
            {"id": str(part["id"]), "name": part["name"], "status": part["status"], "position": position}
            for position, part in enumerate(page.components, 1)
        ],
        "incidents": [_incident(incident) for incident in page.current],
    }


def _incident(incident: Incident) -> dict[str, Any]:
    updates = list(incident.updates.all())
    return {
        "id": str(incident.pk),
        "name": incident.problem.title,
        "status": updates[0].status if updates else Update.Status.INVESTIGATING,
        "impact": incident.impact,
        "started_at": incident.started_at.isoformat(),
        "created_at": incident.entered_at.isoformat(),
        "updated_at": (updates[0].at if updates else incident.entered_at).isoformat(),
        "resolved_at": incident.left_at.isoformat() if incident.left_at else None,
        "incident_updates": [
            {
                "id": str(update.pk),
                "incident_id": str(incident.pk),
                "status": update.status,
                "body": update.body,
                "created_at": update.at.isoformat(),
                "display_at": update.at.isoformat(),
            }
            for update in updates
        ],
    }
