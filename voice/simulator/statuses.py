"""When a call's statuses are told: as Twilio does, all in order, doubled, late, backwards, or not at all. Pure."""

# What can be chosen, in the words of the page.
ORDERS = {
    "end": "the end, as Twilio does",
    "all": "all, in order",
    "doubled": "all, each twice",
    "late": "“ringing” after the end",
    "reversed": "all at the end, reversed",
    "lost": "none: they get lost",
}
BEGUN, ANSWERED = ("initiated", "ringing"), ("in-progress",)
# What is told when a call begins and when it is answered; everything else comes after its end.
_BEFORE: dict[str, dict[str, tuple[str, ...]]] = {
    "all": {"begun": BEGUN, "answered": ANSWERED},
    "doubled": {"begun": ("initiated", "initiated", "ringing", "ringing"), "answered": ANSWERED * 2},
    "late": {"begun": BEGUN[:1], "answered": ANSWERED},
}


def due(order: str, moment: str, status: str = "completed") -> tuple[str, ...]:
    """The statuses that are told at a moment: begun, answered, or over, when the call has ended as `status`.

    A call that nobody answered has never been in progress.
    """
    if moment != "over":
        return _BEFORE.get(order, {}).get(moment, ())
    between = ANSWERED if status == "completed" else ()
    after = {
        "doubled": (status, status),
        "late": (status, BEGUN[1]),
        "reversed": (status, *between, *reversed(BEGUN)),
        "lost": (),
    }
    return after.get(order, (status,))
