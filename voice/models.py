"""The nouns of our telephone: lines, announcements, calls, callbacks, text messages, saved number set-ups."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from tickets.models import Entry, Overlay, Problem, Requester, Ticket, Work
from tickets.numbers import readable


class Line(models.Model):
    """A phone number of ours. Words and audio are JSON maps by BCP 47 language; audio values are blob hashes."""

    key = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    group = models.CharField(max_length=50, blank=True, help_text="Lines that are switched together, as in Europe")
    number = models.CharField(max_length=20, unique=True, help_text="E.164")
    languages = models.JSONField(default=list, help_text="BCP 47, the first is spoken first")
    time_zone = models.CharField(max_length=64, default="UTC")
    hours = models.JSONField(default=dict, help_text='Weekday 0–6 → list of ["09:00", "17:00"]; empty: always open')
    holidays = models.JSONField(default=list, help_text="ISO dates on which the line is closed")
    rings = models.JSONField(default=list, help_text="E.164 numbers that an open line rings")
    agents = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="+", help_text="Colleagues whose phones it rings as well"
    )
    open_text = models.JSONField(default=dict)
    closed_text = models.JSONField(default=dict)
    open_audio = models.JSONField(default=dict)
    closed_audio = models.JSONField(default=dict)
    incident_text = models.JSONField(
        default=dict, help_text="The default playbook: what incident mode says unless told otherwise"
    )
    incident_audio = models.JSONField(default=dict)
    offers_agent = models.BooleanField(default=False, help_text="In incident mode, key 0 stays for an agent")
    screens = models.BooleanField(
        default=True, help_text="Whoever is rung takes the call with a key, so that no mailbox does"
    )
    says_recorded = models.BooleanField(
        default=True, help_text="Callers are told before anything of theirs is recorded"
    )
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} {readable(self.number)}"


class Announcement(Overlay):
    """What a line says instead of its everyday face while it is in force."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="announcements")
    text = models.JSONField(default=dict)
    audio = models.JSONField(default=dict)
    known_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when customers are affected, as callers are told"
    )
    next_update_by = models.DateTimeField(null=True, blank=True, help_text="The promise that callers are told")
    reminded_at = models.DateTimeField(
        null=True, blank=True, help_text="When managers were asked last if it shall stay"
    )
    local_key = models.CharField(
        max_length=64,
        blank=True,
        db_index=True,
        help_text="Set when it was first made on one host without the database",
    )

    def __str__(self) -> str:
        return f"announcement on {self.line_id}"


class Call(models.Model):
    """One call of a customer, as Twilio tells of it. Statuses are applied monotonically."""

    sid = models.CharField(max_length=34, unique=True)
    line = models.ForeignKey(Line, null=True, blank=True, on_delete=models.SET_NULL, related_name="calls")
    caller = models.CharField(max_length=20, blank=True, help_text="E.164, empty if withheld")
    status = models.CharField(max_length=16, blank=True)
    face = models.CharField(max_length=10, blank=True, help_text="open, closed or incident")
    choice = models.CharField(max_length=16, blank=True)
    step = models.CharField(max_length=16, blank=True, help_text="How far the caller has got")
    language = models.CharField(max_length=35, blank=True, help_text="BCP 47, as it was heard last")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    simulated = models.BooleanField(default=False)
    problem = models.ForeignKey(Problem, null=True, blank=True, on_delete=models.SET_NULL, related_name="calls")
    ticket = models.ForeignKey(Ticket, null=True, blank=True, on_delete=models.SET_NULL, related_name="calls")

    class Meta:
        indexes = [
            models.Index(fields=["caller", "-started_at"], name="call_caller"),
            models.Index(fields=["problem", "caller"], condition=Q(problem__isnull=False), name="call_of_problem"),
        ]

    def __str__(self) -> str:
        return self.sid


class Callback(models.Model):
    """A promise to call someone back. One open callback per number, whatever the incident.

    `outcome` is empty while nobody knows how the last call went.
    """

    class State(models.TextChoices):
        REQUESTED = "requested", "requested"
        DUE = "due", "due"
        DIALLING_AGENT = "agent", "dialling agent"
        DIALLING_CUSTOMER = "customer", "dialling customer"
        CONNECTED = "connected", "connected"
        DONE = "done", "done"
        GAVE_UP = "gave_up", "gave up"
        CANCELLED = "cancelled", "cancelled"
        UNCERTAIN = "uncertain", "uncertain"

    OPEN_STATES = ("requested", "due", "agent", "customer", "connected", "uncertain")

    number = models.CharField(max_length=20, help_text="E.164")
    line = models.ForeignKey(Line, null=True, on_delete=models.SET_NULL, related_name="callbacks")
    requester = models.ForeignKey(Requester, on_delete=models.PROTECT, related_name="callbacks")
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="callbacks")
    problem = models.ForeignKey(Problem, null=True, blank=True, on_delete=models.SET_NULL, related_name="callbacks")
    state = models.CharField(max_length=10, choices=State.choices, default=State.REQUESTED)
    due_at = models.DateTimeField()
    requested_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Calls begun: what Twilio tells of an earlier one moves nothing"
    )
    tries = models.PositiveSmallIntegerField(default=0, help_text="Times that the customer's phone was rung")
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="callbacks"
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    dialled_at = models.DateTimeField(null=True, blank=True, help_text="When the last call was begun")
    call_sid = models.CharField(max_length=34, blank=True, db_index=True)
    outcome = models.CharField(max_length=32, blank=True)
    held = models.CharField(max_length=200, blank=True, help_text="Why nobody is offered it until a manager looks")
    note = models.TextField(blank=True)
    simulated = models.BooleanField(default=False)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                # A simulated callback never takes the place of a real one.
                fields=["number", "simulated"],
                condition=Q(state__in=["requested", "due", "agent", "customer", "connected", "uncertain"]),
                name="callback_one_open_per_number",
            )
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], condition=Q(state__in=["requested", "due"]), name="callback_due"),
            models.Index(fields=["done_at"], condition=Q(state="done"), name="callback_done"),
            models.Index(fields=["number", "dialled_at"], name="callback_dialled"),
        ]

    def __str__(self) -> str:
        return f"callback {self.number}"


class CallbackPause(Overlay):
    """While it is in force, nobody is offered a callback: they go on being taken down."""

    def __str__(self) -> str:
        return f"pause since {self.since:%F %H:%M}"


class AgentPhone(models.Model):
    """Where an agent is rung before a customer is."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="agent_phone")
    number = models.CharField(max_length=20, help_text="E.164")

    def __str__(self) -> str:
        return self.number


class DialIn(models.Model):
    """Lets a manager switch lines from a phone: their own number, and a PIN that is kept hashed and shown to nobody."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dial_in")
    pin = models.CharField(max_length=128, help_text="Hashed, as passwords are")
    set_at = models.DateTimeField(help_text="When the PIN was set; what was tried before counts no more")

    def __str__(self) -> str:
        return f"dial-in of {self.user_id}"


class DialInNumber(models.Model):
    """A number that a manager dials in from. Nobody else's calls are ever asked for a PIN."""

    dial_in = models.ForeignKey(DialIn, on_delete=models.CASCADE, related_name="numbers")
    number = models.CharField(max_length=20, unique=True, help_text="E.164")

    def __str__(self) -> str:
        return self.number


class PinAttempt(models.Model):
    """A PIN that was entered on the telephone, right or not. Which one is not kept."""

    class Outcome(models.TextChoices):
        RIGHT = "right", "right"
        WRONG = "wrong", "wrong"
        REFUSED = "refused", "refused unread"

    dial_in = models.ForeignKey(DialIn, null=True, on_delete=models.SET_NULL, related_name="attempts")
    number = models.CharField(max_length=20, help_text="E.164")
    call_sid = models.CharField(max_length=34)
    place = models.PositiveSmallIntegerField(help_text="Which one in its call")
    at = models.DateTimeField(db_index=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    locks = models.CharField(max_length=8, blank=True, help_text="What it locked: number or all")
    told_at = models.DateTimeField(null=True, blank=True, help_text="When managers were told that it locked")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call_sid", "place"], name="pin_attempt_once")]

    def __str__(self) -> str:
        return f"{self.number} {self.outcome}"


class TextMessage(Work):
    """One text message to one number."""

    to = models.CharField(max_length=20, help_text="E.164")
    sender = models.CharField(max_length=20, blank=True)
    body = models.CharField(max_length=1600)
    ticket = models.ForeignKey(Ticket, null=True, blank=True, on_delete=models.SET_NULL, related_name="texts")
    problem = models.ForeignKey(Problem, null=True, blank=True, on_delete=models.SET_NULL, related_name="texts")
    sid = models.CharField(max_length=34, blank=True, db_index=True)
    delivery = models.CharField(max_length=16, blank=True, help_text="How far it has got, as Twilio says")
    group = models.CharField(max_length=64, blank=True, help_text="Texts that were queued together")
    once = models.CharField(
        max_length=100, null=True, unique=True, help_text="What is sent once only, e.g. number and incident"
    )

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="queued"), name="text_queued"),
            models.Index(fields=["claimed_at"], condition=Q(state="sending"), name="text_sending"),
            models.Index(fields=["group", "state"], condition=~Q(group=""), name="text_group"),
            models.Index(fields=["state", "-id"], condition=Q(state__in=["failed", "uncertain"]), name="text_trouble"),
        ]

    def __str__(self) -> str:
        return f"text to {self.to}"


class Download(Work):
    """A file that lies at Twilio and belongs to an entry: a recording, a picture. `blob` is empty until it is here."""

    sid = models.CharField(max_length=34, unique=True)
    url = models.CharField(max_length=500)
    name = models.CharField(max_length=100, help_text="What people see")
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="+")
    blob = models.CharField(max_length=64, blank=True)
    content_type = models.CharField(max_length=120, blank=True)
    size = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="queued"), name="download_queued"),
            models.Index(fields=["claimed_at"], condition=Q(state="sending"), name="download_sending"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.sid}"


class Reconciliation(models.Model):
    """Until when everything that Twilio has of us is known to be here."""

    name = models.CharField(max_length=20, unique=True)
    upto = models.DateTimeField()
    ran_at = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.name} {self.upto:%F %H:%M}"


class PreflightReport(models.Model):
    """What the last preflight found."""

    made_at = models.DateTimeField()
    findings = models.JSONField(default=list, help_text="level, about, what, notice, mend")

    def __str__(self) -> str:
        return f"preflight {self.made_at:%F %H:%M}"


class NumberSetup(models.Model):
    """A number's configuration at Twilio as it was read before we changed it."""

    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="setups")
    read_at = models.DateTimeField(auto_now_add=True)
    settings = models.JSONField()

    def __str__(self) -> str:
        return f"set-up of {self.line_id}"
