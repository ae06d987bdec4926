"""The WSGI application of desk and front processes (`BREAKWATER_ROLE` tells them apart)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "triage.settings")

application = get_wsgi_application()

# Models can be loaded only now.
from tickets import journal  # noqa: E402
from tickets.notices import NOTICES  # noqa: E402
from voice.plan import PLAN  # noqa: E402
from voice.standing import STANDING  # noqa: E402

# What calls and forms are answered from is there before the first of them.
PLAN.start()
STANDING.start()
NOTICES.start()
journal.writer()
