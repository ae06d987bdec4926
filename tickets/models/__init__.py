"""The nouns: arrivals, conversations, outgoing mail, and what the house keeps."""

from tickets.models.arrival import MEDIUM_OF, Arrival, ArrivalState, Channel, CountsAs, Medium
from tickets.models.conversation import (
    Attachment,
    Entry,
    Identity,
    MessageReference,
    Problem,
    Requester,
    Ticket,
)
from tickets.models.heartbeat import Heartbeat, Pulse
from tickets.models.house import ApiToken, AuditEntry, Change, Invitation, MailboxState, Notice
from tickets.models.outgoing import Lane, Outgoing, Rate, Restraint, Told
from tickets.models.overlay import Overlay
from tickets.models.topic import Topic
from tickets.models.work import Work, WorkState

__all__ = [
    "MEDIUM_OF",
    "ApiToken",
    "Arrival",
    "ArrivalState",
    "Attachment",
    "AuditEntry",
    "Change",
    "Channel",
    "CountsAs",
    "Entry",
    "Heartbeat",
    "Identity",
    "Invitation",
    "Lane",
    "MailboxState",
    "Medium",
    "MessageReference",
    "Notice",
    "Outgoing",
    "Overlay",
    "Problem",
    "Pulse",
    "Rate",
    "Requester",
    "Restraint",
    "Ticket",
    "Told",
    "Topic",
    "Work",
    "WorkState",
]
