"""What a mail server's status and words say of an address: no good for ever, or only this message or this hour."""

import re

# RFC 3463: the address, its domain or its mailbox does not exist or takes no mail.
_NO_ADDRESS = re.compile(r"5\.1\.(?:1|2|3|6|10)$|5\.4\.4$")
_NOBODY = re.compile(
    r"(?i)(?:user|recipient|mailbox|addressee|account|alias)s?(?: \S+){0,2} "
    r"(?:unknown|not found|does ?n.t exist|not exist)|"
    r"(?:unknown|invalid|no such|nonexistent) (?:\w+ )?(?:user|recipient|mailbox|address|account|local part)|"
    r"(?:host|domain)(?: name)? (?:unknown|not found|does ?n.t exist)|unknown host|nxdomain|no mx|unrouteable|"
    r"address (?:rejected: user|does ?n.t exist|not found)|(?:has|have) moved"
)
# Refusals of this message, of its sender or for now: the address may be good.
_OTHER_REASON = re.compile(
    r"(?i)\bspam|\bblocked|black ?list|block ?list|\bpolicy|\bdmarc|"
    r"\bspf\b|\bdkim|quota|mailbox (?:is )?full|"
    r"over(?:drawn| quota)|too (?:large|big|many)|rate limit|\bvirus|reputation|relay|"
    r"suspended|disabled|inactive|reverse dns|\bptr\b"
)


def is_about_address(status: str, reason: str) -> bool:
    """Whether a failure says that the address itself is no good, so that nothing more is sent to it."""
    if status.startswith(("2", "4")) or _OTHER_REASON.search(reason):
        return False
    return bool(_NO_ADDRESS.match(status) or _NOBODY.search(reason))
