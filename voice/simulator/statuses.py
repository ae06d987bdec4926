"""When a call's statuses are told: as Twilio does, all in order, doubled, late, backwards, or not at all. Pure."""

# What can be chosen, in the words of the page.
ORDERS = {
    "end": "The end alone, as Twilio does",
    "all": "All, in order",
    "doubled": "All, each twice",
    "late": "“Ringing” comes after the end",
    "reversed": "All after the end, backwards",
    "lost": "None: they get lost",
}
BEGUN, ANSWERED = ("initiated", "ringing"), ("in-progress",)


def due(order: str, moment: str, status: str = "completed") -> tuple[str, ...]:
    """The statuses that are told at a moment: begun, answered, or over, when the call has ended as `status`.

    A call that nobody answered has never been in progress. KeyError for an order or a moment that is none.
    """
    ended, between = status, ANSWERED if status == "completed" else ()
    begun, answered, over = {
        "end": ((), (), (ended,)),
        "all": (BEGUN, ANSWERED, (ended,)),
        "doubled": (_twice(BEGUN), _twice(ANSWERED), (ended, ended)),
        "late": (BEGUN[:1], ANSWERED, (ended, BEGUN[1])),
        "reversed": ((), (), (ended, *between, *reversed(BEGUN))),
        "lost": ((), (), ()),
    }[order]
    return {"begun": begun, "answered": answered, "over": over}[moment]


def _twice(told: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(status for status in told for _ in range(2))
