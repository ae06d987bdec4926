"""What templates say about people, times and places: powers, rail links, waiting times, due times."""

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from tickets.desk import conversation, people, queue, undoing
from tickets.desk.times import due_words, span_words
from tickets.models import Requester
from tickets.numbers import readable
from tickets.roles import Power, powers_of

register = template.Library()

# Where a page stands in the rail when its own name is no link there.
_HOME_OF = {
    "incident": "incidents",
    "incident_enter": "control",
    **dict.fromkeys(("incident_leave", "incident_update", "incident_write_up", "incident_listeners"), "incidents"),
    "broadcast": "incidents",
    "mail_folder_one": "mail_folder",
    "simulator_act": "simulator",
}
_HOME_OF |= {
    "surge": "control",
    "surge_declare": "control",
    **dict.fromkeys(("alert_route", "alert_route_new"), "alerts"),
    "drill": "control",
    "topics": "control",
    "incident_preview": "control",
    "incident_reply": "incidents",
    **dict.fromkeys(("callback", "callback_phone", "callbacks_manage", "callbacks_cancel", "texts"), "callbacks"),
    **dict.fromkeys(("line", "line_announce", "line_end", "line_new", "line_audio"), "lines"),
    **dict.fromkeys(("account_change_password", "account_email", "dial_in"), "mfa_index"),
    **dict.fromkeys(("mfa_activate_totp", "mfa_deactivate_totp"), "mfa_index"),
    **dict.fromkeys(("mfa_view_recovery_codes", "mfa_generate_recovery_codes"), "mfa_index"),
    # Who manages people comes to the invitations from there.
    "invitations": "people",
}


@register.simple_tag(takes_context=True)
def powers(context: dict[str, Any]) -> dict[str, bool]:
    """The powers of whoever looks at the page, by name: {"work_desk": True}. Empty where there is no sign-in."""
    user = getattr(context.get("request"), "user", None)
    return {str(power): True for power in powers_of(user)} if user is not None else {}


@register.simple_tag(takes_context=True)
def counts(context: dict[str, Any]) -> dict[str, str]:
    """Cheap, bounded counts for the rail."""
    return queue.counts(context["request"].user)


@register.simple_tag(takes_context=True)
def undo_offer(context: dict[str, Any]) -> dict[str, Any] | None:
    """The last act, while it can be taken back, where it belongs: its ticket's page, or a list."""
    request = context.get("request")
    record = undoing.offered(request) if request is not None else None
    ticket = context.get("ticket")
    if record is None or (str(ticket.pk) not in record["before"] if ticket else "view" not in context):
        return None
    return {"token": record["token"], "words": record["words"], "count": len(record["before"])}


@register.simple_tag(takes_context=True)
def current(context: dict[str, Any], name: str, view: str = "") -> SafeString:
    """The attribute aria-current when the page is `name` (and shows `view`, for pages with views)."""
    request: HttpRequest = context["request"]
    here = getattr(request.resolver_match, "url_name", "") or ""
    same = name in (here, _HOME_OF.get(here)) and (not view or queue.view_of(request.GET) == view)
    return mark_safe(' aria-current="page"') if same else mark_safe("")  # noqa: S308  both are literals


@register.simple_tag(takes_context=True)
def rail(context: dict[str, Any], name: str, label: str) -> SafeString:
    """A link of the rail; nothing where the page does not exist."""
    try:
        url = reverse(name)
    except NoReverseMatch:
        return mark_safe("")
    return format_html('<a href="{}"{}>{}</a>', url, current(context, name), label)


@register.simple_tag
def mail_folder_here() -> bool:
    """Whether outgoing mail goes to a folder that the desk can show."""
    return settings.EMAIL_BACKEND == "tickets.mail.folder.EmailBackend"


@register.simple_tag
def demo_accounts() -> list[dict[str, str]]:
    """The accounts of a demo installation, for its sign-in page; none anywhere else."""
    return people.demo_accounts()


@register.filter
def waited(since: datetime | None) -> str:
    """How long ago, as the desk says it: "58 min", "1 h 12", "3 d"."""
    return span_words((timezone.now() - since).total_seconds()) if since else ""


@register.filter
def due(at: datetime | None) -> SafeString:
    """A tag that says when an answer is due."""
    if at is None:
        return mark_safe("")
    kind, words = due_words(at, timezone.now())
    return format_html('<span class="tag {}">{}</span>', kind, words)


@register.filter
def moment(at: datetime | None) -> SafeString:
    """A time element: today's time, else day and time; the whole of it as title."""
    if at is None:
        return mark_safe("")
    here, today = timezone.localtime(at), timezone.localdate()
    shape = "%H:%M" if here.date() == today else "%-d %b, %H:%M" if here.year == today.year else "%-d %b %Y, %H:%M"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        here.isoformat(),
        f"{here:%A, %-d %B %Y, %H:%M:%S %Z}",
        f"{here:{shape}}",
    )


@register.filter
def person(user: Any) -> str:
    """A colleague's name."""
    return (user.get_full_name() or user.get_username()) if user else ""


@register.filter
def as_read(text: Any) -> str:
    """A name or an address as people read it: phone numbers in their groups, anything else as it is."""
    return readable(str(text))


@register.filter
def requester(asking: Requester) -> str:
    """Who asks, by their name or else by where they can be reached."""
    first = "" if asking.name else next((one.value for one in asking.identities.all()), "")
    return readable(asking.name or first or "Unknown sender")


@register.filter
def initials(user: Any) -> str:
    """Two letters for an avatar."""
    words = person(user).replace(".", " ").replace("@", " ").split()
    return "".join(word[0] for word in words[:2]).upper()


@register.filter
def role(user: Any) -> str:
    """The highest of a person's roles."""
    names = {group.name for group in user.groups.all()}
    if user.is_superuser:
        return "administrator"
    return next((name for name in ("administrator", "manager", "agent", "helper") if name in names), "none")


@register.filter
def may(user: Any, power: str) -> bool:
    """Whether a person has a power."""
    return Power(power) in powers_of(user)


@register.filter
def folded(entry: Any) -> str:
    """What a message's page folds away."""
    return conversation.folded(entry)
