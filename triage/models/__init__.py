"""The nouns of deciding: counts, surges, alerts, incidents, updates, jobs, components, subscribers, the lease."""

from triage.alerting.models import Alert, AlertDelivery, AlertRoute
from triage.models.counts import HourCount, MinuteCount, SeriesState
from triage.models.incidents import Broadcast, Component, Incident, Job, Preview, Subscriber, Update
from triage.models.lease import Lease
from triage.models.surges import Surge, SurgeTerms, SurgeWord
from triage.surge.kept import Checkpoint, Clock, Gap, LateCount, Silence

__all__ = [
    "Alert",
    "AlertDelivery",
    "AlertRoute",
    "Broadcast",
    "Checkpoint",
    "Clock",
    "Component",
    "Gap",
    "HourCount",
    "Incident",
    "Job",
    "LateCount",
    "Lease",
    "MinuteCount",
    "Preview",
    "SeriesState",
    "Silence",
    "Subscriber",
    "Surge",
    "SurgeTerms",
    "SurgeWord",
    "Update",
]
