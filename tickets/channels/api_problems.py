"""Every error of the API as problem details (RFC 9457)."""

import logging
from typing import Any

from django.db import Error as DatabaseError
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler as plain_response

log = logging.getLogger(__name__)


class NotKept(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "We could not keep this just now. Send it again with the same Idempotency-Key."


class KeyReused(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = "This Idempotency-Key came with another content before."


def problem_details(error: Exception, context: dict[str, Any]) -> Response:
    """Every error as problem details; the word for each field under `errors`."""
    if isinstance(error, DatabaseError):
        log.error("API: database: %s", error)
        error = NotKept("The database cannot be reached. Try again later.")
    response = plain_response(error, context)
    if response is None:
        log.exception("API", exc_info=error)
        response = Response({"detail": "A fault of ours."}, status=status.HTTP_500_INTERNAL_SERVER_ERROR)
    detail = response.data.get("detail") if isinstance(response.data, dict) else None
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": response.status_text,
        "status": response.status_code,
        "detail": str(detail or "Some fields cannot be taken as they are."),
    }
    if detail is None:
        problem["errors"] = response.data
    response.data = problem
    response.content_type = "application/problem+json"
    if response.status_code == status.HTTP_503_SERVICE_UNAVAILABLE:
        response["Retry-After"] = "30"
    return response
