"""The API: tickets by token. Journaled first like everything that comes in; errors are problem details (RFC 9457)."""

import hashlib
import secrets
from typing import Any, cast

from django.http import Http404
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tickets import intake, journal
from tickets.channels.api_access import HasPower
from tickets.channels.api_problems import KeyReused, NotKept
from tickets.models import ApiToken, Arrival, ArrivalState, Channel, Entry, Ticket
from tickets.roles import Power, View

# Entries that a ticket's answer carries at the most, the newest.
ENTRIES = 100


class TokenScheme(OpenApiAuthenticationExtension):
    """How the schema names the token."""

    target_class = "tickets.channels.api_access.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


def endpoint(view: type[APIView]) -> View:
    """The view function, bearing its power for the walk over the URLconf."""
    function = view.as_view()
    function.needs = view.power  # type: ignore[attr-defined]
    return function


class Person(serializers.Serializer):
    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True)


class NewTicket(serializers.Serializer):
    requester = Person()
    subject = serializers.CharField(max_length=300)
    message = serializers.CharField(max_length=50_000)
    language = serializers.RegexField(r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35, required=False)


class EntryShown(serializers.ModelSerializer):
    class Meta:
        model = Entry
        fields = ["id", "kind", "sender", "text", "happened_at"]
        read_only_fields = fields


class TicketShown(serializers.ModelSerializer):
    requester = serializers.CharField(source="requester.name")
    entries = serializers.SerializerMethodField()

    class Meta:
        model = Ticket
        fields = ["id", "subject", "state", "language", "requester", "created_at", "changed_at", "solved_at", "entries"]
        read_only_fields = fields

    def get_entries(self, ticket: Ticket) -> list[dict[str, Any]]:
        newest = ticket.entries.exclude(kind=Entry.Kind.NOTE).order_by("-happened_at", "-pk")[:ENTRIES]
        return list(EntryShown(reversed(newest), many=True).data)


class Accepted(serializers.Serializer):
    status = serializers.CharField(help_text="accepted: it is kept, and becomes a ticket shortly")
    reference = serializers.CharField()


class Problem(serializers.Serializer):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = serializers.JSONField(required=False)  # type: ignore[assignment]


PROBLEM = OpenApiResponse(Problem, description="Problem details (RFC 9457)")
PROBLEMS = {("4XX", "application/problem+json"): PROBLEM, ("5XX", "application/problem+json"): PROBLEM}


class Tickets(APIView):
    """Opens tickets."""

    power = Power.ANSWER_TICKETS
    permission_classes = [HasPower]

    @extend_schema(
        operation_id="create_ticket",
        request=NewTicket,
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="Up to 200 characters")
        ],
        responses={200: TicketShown, 201: TicketShown, 202: Accepted, **PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        """Opens a ticket. Sent again under the same Idempotency-Key, it is answered with the same ticket (200)."""
        wanted = NewTicket(data=request.data)
        wanted.is_valid(raise_exception=True)
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > 200:
            raise exceptions.ValidationError({"Idempotency-Key": ["At most 200 characters."]})
        incoming = _incoming(cast(ApiToken, request.auth), key, wanted.validated_data)
        try:
            kept = journal.accept(incoming)
        except journal.NotKept as error:
            raise NotKept from error
        if kept.arrival is None:
            return _accepted(incoming.key)
        return _answer(kept.arrival, incoming)


class OneTicket(APIView):
    """Shows one ticket."""

    power = Power.ANSWER_TICKETS
    permission_classes = [HasPower]

    @extend_schema(operation_id="ticket", responses={200: TicketShown, **PROBLEMS})
    def get(self, request: Request, pk: int) -> Response:
        """A ticket with its newest entries; internal notes are left out."""
        ticket = Ticket.objects.select_related("requester").filter(pk=pk).first()
        if ticket is None:
            raise Http404
        return Response(TicketShown(ticket).data)


class NoSuchAddress(APIView):
    """Every other address below /api/ is a problem, too, and no page."""

    permission_classes: list[type] = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise Http404


def _incoming(token: ApiToken, key: str, said: dict[str, Any]) -> journal.Incoming:
    content = hashlib.sha256(repr(said).encode("utf-8", "replace")).hexdigest()
    once = secrets.token_hex(16)
    return journal.Incoming(
        channel=Channel.API,
        key=journal.key_of(token.pk, key or once),
        sender=said["requester"]["email"].lower(),
        happened_at=timezone.now(),
        payload={
            "email": said["requester"]["email"],
            "name": said["requester"].get("name", ""),
            **{name: said.get(name, "") for name in ("subject", "message", "language")},
            "_content": content,
            "_once": once,
        },
    )


def _answer(arrival_id: int, incoming: journal.Incoming) -> Response:
    """201 to the request that made the row, 200 to its repetitions, 202 while it is not understood."""
    payload = Arrival.objects.values_list("payload", flat=True).get(pk=arrival_id)
    if payload["_content"] != incoming.payload["_content"]:
        raise KeyReused
    intake.understand(arrival_id)
    arrival = Arrival.objects.get(pk=arrival_id)
    entry = Entry.objects.filter(arrival=arrival_id).select_related("ticket__requester").first()
    if arrival.state != ArrivalState.UNDERSTOOD or entry is None:
        return _accepted(incoming.key)
    ours = payload["_once"] == incoming.payload["_once"]
    return Response(TicketShown(entry.ticket).data, status=status.HTTP_201_CREATED if ours else status.HTTP_200_OK)


def _accepted(key: str) -> Response:
    reference = hashlib.sha256(key.encode()).hexdigest()[:16]
    return Response({"status": "accepted", "reference": reference}, status=status.HTTP_202_ACCEPTED)
