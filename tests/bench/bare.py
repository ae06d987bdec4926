"""The least that an application can do with a webhook: read it and answer."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

ANSWER = b"<Response><Say>Welcome.</Say></Response>"


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answers every request with the same document."""
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/xml"), ("Content-Length", str(len(ANSWER)))])
    return [ANSWER]
