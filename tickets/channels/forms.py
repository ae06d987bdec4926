"""Reads what was sent as fields: the public form and the API say plainly who writes and what."""

from tickets.message import File, InboundMessage
from tickets.models import Arrival, Medium


def read_web_form(arrival: Arrival) -> InboundMessage:
    """A message of the public form, its files included."""
    return _read(arrival, Medium.WEB)


def read_api(arrival: Arrival) -> InboundMessage:
    """A ticket posted through the API."""
    return _read(arrival, Medium.API)


def _read(arrival: Arrival, medium: Medium) -> InboundMessage:
    said = arrival.payload
    files = [
        File(name=file["name"], content_type=file["content_type"], blob=file["blob"], size=file["size"])
        for file in said.get("attachments", [])
    ]
    return InboundMessage(
        medium=medium,
        happened_at=arrival.happened_at,
        sender=said["email"].lower(),
        name=said.get("name", ""),
        subject=said.get("subject", ""),
        text=said["message"],
        visible=said["message"],
        attachments=tuple(files),
        language=said.get("language", ""),
        payload={"reference": said["reference"]} if "reference" in said else {},
    )
