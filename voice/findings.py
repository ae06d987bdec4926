"""One thing that a preflight found."""

from dataclasses import dataclass

OK, WARNING, FAULT, UNKNOWN = "ok", "warning", "fault", "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """`notice`: what callers would notice; `mend`: what to do. Both are empty where all is well."""

    level: str
    about: str
    what: str
    notice: str = ""
    mend: str = ""
