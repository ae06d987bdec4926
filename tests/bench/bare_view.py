"""A bare Django view that does with a call what no product can leave out: check the signature, commit, answer.

`BARE=row` commits one row (the same table) in the request's thread; `BARE=file` writes and fsyncs one file as the spool
does. No middleware, no plan, no menu, no thread between.
"""

import hashlib
import json
import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from twilio.request_validator import RequestValidator

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "triage.settings")
ANSWER = f"<Response><Say>{'We know of it. ' * 40}</Say></Response>"


@csrf_exempt
def answer(request: HttpRequest) -> HttpResponse:
    """One call, kept durably before it is answered."""
    from tickets.models import Arrival

    params = request.POST.dict()
    url = settings.PUBLIC_URL + request.get_full_path()
    given = request.headers.get("X-Twilio-Signature", "")
    if not RequestValidator(settings.TWILIO_AUTH_TOKENS[0]).validate(url, params, given):
        return HttpResponse(status=403)
    if os.environ["BARE"] == "row":
        Arrival.objects.create(
            channel="call", key=params["CallSid"], sender=params["From"], happened_at=timezone.now(), payload=params
        )
    else:
        name = hashlib.sha256(params["CallSid"].encode()).hexdigest()
        write_durably(FOLDER / f"{name}.json", json.dumps(params).encode())
    return HttpResponse(ANSWER, content_type="text/xml; charset=utf-8")


def write_durably(target: Path, content: bytes) -> None:
    """Whole or absent after a crash, the shortest way: file and folder are fsynced."""
    temporary = target.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(target)
    folder = os.open(target.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


application = get_wsgi_application()
settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = []
FOLDER = Path(settings.VAR) / "bare"
FOLDER.mkdir(parents=True, exist_ok=True)
urlpatterns = [path("voice/main/answer/", answer)]
# Loaded once more, now with no middleware.
application.load_middleware()
