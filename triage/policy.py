"""The Content-Security-Policy of pages, and none of what is no page."""

from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class PolicyOfPages(CSPMiddleware):
    """Django-csp works a policy out before it asks whether one is wanted; a call answered in TwiML would pay for it."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """As django-csp, but for what is exempt."""
        if getattr(response, "_csp_exempt", False):
            return response
        return super().process_response(request, response)
