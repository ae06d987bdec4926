"""The API of lines: what each says now, announcing words and recordings, ending it. Errors are problems (RFC 9457)."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any, cast

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tickets.channels.api import PROBLEMS
from tickets.channels.api_access import HasPower
from tickets.models import ApiToken
from tickets.roles import Power
from voice import lines as switch
from voice import sounds
from voice.audio import BadAudio
from voice.models import Line

_TAG = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"


class LineShown(serializers.Serializer):
    """`face` is what a caller hears now: open, closed or incident."""

    key = serializers.CharField()
    name = serializers.CharField()
    number = serializers.CharField(help_text="E.164")
    group = serializers.CharField(allow_blank=True)
    face = serializers.ChoiceField(["open", "closed", "incident"])
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True)
    text = serializers.DictField(child=serializers.CharField(), help_text="By BCP 47 language")
    audio = serializers.DictField(
        child=serializers.CharField(), help_text="Recordings that are played in place of it: the digest of each"
    )


class Chosen(serializers.Serializer):
    """Lines by key, whole groups by name, or neither: all lines."""

    lines = serializers.ListField(child=serializers.CharField(max_length=64), required=False, max_length=200)
    groups = serializers.ListField(child=serializers.CharField(max_length=50), required=False, max_length=50)
    why = serializers.CharField(max_length=200, help_text="For the audit trail; callers do not hear it")

    def chosen(self) -> list[Line]:
        """The lines meant. ValidationError names a key or a group that there is not."""
        keys, groups = self.validated_data.get("lines", []), self.validated_data.get("groups", [])
        try:
            return switch.chosen(keys, groups)
        except LookupError as error:
            raise exceptions.ValidationError({"lines": [str(error)]}) from error


class NewAnnouncement(Chosen):
    text = serializers.DictField(
        child=serializers.CharField(max_length=2000),
        allow_empty=False,
        help_text="What callers hear, by BCP 47 language",
    )
    audio = serializers.DictField(
        child=serializers.RegexField(r"^[0-9a-f]{64}$"),
        required=False,
        help_text="Recordings that are played in place of these words, by BCP 47 language: the digest of each",
    )
    hours = serializers.FloatField(
        required=False, allow_null=True, min_value=0.25, max_value=720, help_text="Ends by itself after so many hours"
    )

    def validate_text(self, text: dict[str, str]) -> dict[str, str]:
        field = serializers.RegexField(_TAG, max_length=35)
        for tag in text:
            field.run_validation(tag)
        return text

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        for language, digest in values.get("audio", {}).items():
            if language not in values["text"]:
                raise exceptions.ValidationError({"audio": [f"Its words are missing: give text in {language}, too."]})
            if not sounds.claim(digest):
                raise exceptions.ValidationError({"audio": [f"There is no such recording: {digest}. Upload it again."]})
        return values


class NewRecording(serializers.Serializer):
    file = serializers.FileField(help_text="MP3 or WAV, at most 10 MB and 5 minutes")

    def digest(self) -> str:
        """The hash under which it is kept. ValidationError says why callers could not hear it."""
        try:
            return sounds.take_file(self.validated_data["file"])
        except BadAudio as error:
            raise exceptions.ValidationError({"file": [str(error)]}) from error


class Recording(serializers.Serializer):
    """A recording that is kept: for a day, and as long as something that is announced uses it."""

    digest = serializers.CharField(help_text="SHA-256 of what callers are played")
    kind = serializers.ChoiceField(["WAV", "MP3"])
    seconds = serializers.FloatField()
    rate = serializers.IntegerField(help_text="Samples a second")
    channels = serializers.IntegerField()
    peak = serializers.FloatField(help_text="dBFS")
    loudness = serializers.FloatField(help_text="dBFS, over what is not silence")
    advice = serializers.ListField(child=serializers.CharField(), help_text="What callers may find hard to hear")


class Lines(APIView):
    """Shows the lines."""

    power = Power.WORK_DESK
    permission_classes = [HasPower]

    @extend_schema(operation_id="lines", responses={200: LineShown(many=True), **PROBLEMS})
    def get(self, request: Request) -> Response:
        """Every line with the face that a caller hears now."""
        return _shown()


class Announce(APIView):
    """Announces something on lines."""

    power = Power.RUN_INCIDENTS
    permission_classes = [HasPower]

    @extend_schema(operation_id="announce", request=NewAnnouncement, responses={200: LineShown(many=True), **PROBLEMS})
    def post(self, request: Request) -> Response:
        """From the next call on the lines say `text`, or play `audio` where there is some.

        Sent again while exactly that is in force, nothing changes.
        """
        wanted = NewAnnouncement(data=request.data)
        wanted.is_valid(raise_exception=True)
        text, audio = wanted.validated_data["text"], wanted.validated_data.get("audio", {})
        hours = wanted.validated_data.get("hours")
        until = timezone.now() + timedelta(hours=hours) if hours else None
        with transaction.atomic():
            # The lock makes a request that is repeated wait, and then find its own announcement.
            ids = [line.pk for line in wanted.chosen()]
            locked = Line.objects.select_for_update().filter(pk__in=ids)
            fresh = [line for line in locked if not switch.says_already(line, text, audio)]
            switch.announce(fresh, text, audio, by=request.user, why=_why(request, wanted), until=until)
        return _shown()


class Audio(APIView):
    """Takes recordings in."""

    power = Power.RUN_INCIDENTS
    permission_classes = [HasPower]
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="upload_recording",
        request={"multipart/form-data": NewRecording},
        responses={201: Recording, **PROBLEMS},
    )
    def post(self, request: Request) -> Response:
        """Decodes a recording, keeps it and says what is known of it; its digest can then be announced."""
        sent = NewRecording(data=request.data)
        sent.is_valid(raise_exception=True)
        digest = sent.digest()
        return Response(Recording({"digest": digest, **asdict(sounds.about(digest))}).data, status=201)


class Clear(APIView):
    """Ends what lines announce."""

    power = Power.RUN_INCIDENTS
    permission_classes = [HasPower]

    @extend_schema(operation_id="clear", request=Chosen, responses={200: LineShown(many=True), **PROBLEMS})
    def post(self, request: Request) -> Response:
        """What these lines announce is over; they say what lies under it again."""
        wanted = Chosen(data=request.data)
        wanted.is_valid(raise_exception=True)
        switch.clear_lines(wanted.chosen(), request.user, _why(request, wanted))
        return _shown()


def _why(request: Request, wanted: Chosen) -> str:
    return f"{wanted.validated_data['why']} (API, {cast(ApiToken, request.auth).name})"


def _shown() -> Response:
    rows: list[dict[str, Any]] = switch.show()
    return Response([LineShown(row).data for row in rows])
