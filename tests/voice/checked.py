"""Holds every TwiML document of a test against the grammar: what views answer, what calls hear, what is exported."""

from xml.etree import ElementTree

from django.core.files.storage import FileSystemStorage

from voice.simulator import grammar

# What was found wrong in this test.
FAULTS: list[str] = []


def check(document: str | bytes, where: str = "a call") -> None:
    """Notes what is wrong with a document; what is XML of another kind is none of ours."""
    text = document.encode() if isinstance(document, str) else document
    if not text.strip():
        return
    try:
        if ElementTree.fromstring(text).tag != "Response":
            return
    except ElementTree.ParseError as error:
        FAULTS.append(f"{where}: no XML: {error}")
        return
    FAULTS.extend(f"{where}: {fault}" for fault in grammar.faults(text))


class Middleware:
    """Outermost: sees every answer of the test client and of a live server as it leaves."""

    def __init__(self, get_response):
        self._get_response = get_response

    def __call__(self, request):
        response = self._get_response(request)
        if response.get("Content-Type", "").startswith("text/xml") and not response.streaming:
            check(response.content, f"an answer to {request.method} {request.path}")
        return response


class Storage(FileSystemStorage):
    """The fallback's storage: sees every document that is exported."""

    def save(self, name, content, max_length=None):
        if name.startswith("voice/") and name.endswith(".xml"):
            check(content.read(), "the export")
            content.seek(0)
        return super().save(name, content, max_length)
