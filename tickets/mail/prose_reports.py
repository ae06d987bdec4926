"""Reports of mail that did not arrive, written in prose: by whom, in which words, about whom."""

import re

from tickets.mail import headers
from tickets.mail.failures import is_about_address
from tickets.mail.parsing import Parts
from tickets.message import Bounce, Report

# Characters of a report that are looked at.
LOOKED_AT = 6000

STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b(?!\.\d)")
RECIPIENT = re.compile(r"[^\s<>:;,\"'()\[\]]{1,64}@[^\s<>:;,\"'()\[\]]{1,190}\.[a-z]{2,20}", re.IGNORECASE)

# Addresses that programs write from; and who is a mail server for certain, whatever the subject is.
_MACHINE = re.compile(r"(?i)^(?:bounces?|no-?reply|do-?not-?reply|complaints?|mail\.delivery\.\w+|delivery)[^@]*@|^$")
_POSTMASTER = re.compile(
    r"(?i)^\W*(?:mailer[-_. ]?daemon|post[-_. ]?master|mail[-_. ]?daemon|double-bounce|mdaemon|mmdf|"
    r"(?:internet )?mail (?:deliver\w*|administrator|system|router|transport)\b.{0,20}|microsoft outlook|"
    r"system administrator|mail delivery subsystem)"
)
_FAILURE_SUBJECT = re.compile(
    r"(?i)undeliver|delivery[ -](?:status|fail|has failed|notification|problem|delayed|error|report)|returned mail|"
    r"failure notice|mail(?: delivery)? (?:system )?fail|returned? to sender|returning (?:to|message to) sender|"
    r"delayed mail|mail system error|could not (?:be delivered|send message)|error sending your mail|"
    r"message (?:\S+ )?delayed|(?:message|mail|e-mail) (?:not delivered|status)|rejected mail|\bbounced?\b|"
    r"non[ -]?remis|non distribu|échec de|unzustellbar|nicht zugestellt|zustell(?:ung|fehler)|fehlgeschlagen|"
    r"não (?:foi )?entregue|falha na entrega|no se (?:ha )?pud\w+ entregar|no entregado|error de entrega|"
    r"mancato recapito|non (?:è stato )?recapita|niet (?:afgeleverd|bezorgd)|onbestelbaar|kunde inte levereras|"
    r"olevererbart|kunne ikke leveres|ikke leveret|niedostarcz|nie (?:zosta\w+ )?dostarcz|nedoruč|"
    r"не доставлен|недоставлен|не вдалося достав|teslim edilemedi|toimitus epäonnistui|kézbesíthetetlen|"
    r"配信できません|配信に失敗|メールエラー|送信できません|届きません|エラーメール|退信|无法投递|無法傳送|"
    r"未送达|배달(?:되지| 실패)|전송 실패|반송"
)
_FAILURE_TEXT = re.compile(
    r"(?i)(?:delivery|delivering|deliver(?:ed)?)\b[^.]{0,80}\b(?:fail|error|problem|unable|could not|not be)|"
    r"(?:could|can) ?not be delivered|(?:undeliverable|permanent(?:ly)? (?:fatal )?(?:error|fail))|"
    r"unable to deliver|(?:user|host|recipient) unknown|no such user|mailbox (?:is )?(?:full|unavailable)|"
    r"returned (?:permanent )?error|did not reach|\b[45]\d\d[ -][45]\.\d\.\d{1,3}\b"
)
# Plain words of refusal: enough from a mail server, or beside a copy of the message that came back.
_REFUSED = re.compile(
    r"(?i)\b5\d\d\b[ -].{0,80}(?:no such|unknown|invalid|not found|exist|unavailable|refused|rejected|full|denied)|"
    r"(?:no such|unknown|invalid) (?:\w+ )?(?:user|recipient|mailbox|address|host)|"
    r"(?:user|recipient|mailbox|host|domain) (?:is )?(?:unknown|not found|unavailable|full)|"
    r"(?:could not|cannot|can ?not|unable to|was not|not be) (?:be )?deliver|undeliver|"
    r"had (?:\w+ ){0,3}delivery errors|"
    r"delivery (?:\w+ ){0,4}(?:failed|failure|errors?)|(?:permanent|fatal) (?:\w+ )?(?:errors?|failure)|"
    r"(?:mailbox|quota|storage) (?:\w+ ){0,3}(?:full|exceeded)|over ?quota|returned to (?:you|sender)|did not reach|"
    r"(?:was|been|is) (?:rejected|refused|bounced)|nicht (?:zugestellt|ausgeliefert)|unzustellbar|"
    r"n'a pas pu être|no se pudo entregar|não pôde ser|non recapitat|не (?:было |может быть )?доставлен|"
    r"配信できません|送信できません|届きません|无法投递|退回"
)
# What programs that run mailing lists answer to people who may not write to them.
_NO_MEMBER = re.compile(
    r"(?i)\b(?:are|is) not (?:a )?(?:member|subscriber|subscribed)\b|\bnon-?members? (?:post|submi)"
)
_LIST_HEADERS = ("X-MLServer", "X-ML-Name", "X-ML-Info", "X-Mailman-Version", "X-List-Administrivia", "List-Help")
_DELAY = re.compile(
    r"(?i)\bdelayed\b|still being retried|warning: (?:message|could not send)|\(delay\)|will be retried"
)


def is_report(parts: Parts) -> bool:
    """A machine wrote it, and its subject or its first words speak of a mail that was not delivered."""
    head, text = parts.head, parts.text[:LOOKED_AT]
    if headers.raw(head, "X-Failed-Recipients"):
        return True
    subject = headers.text(head, "Subject")
    if any(headers.raw(head, name) for name in _LIST_HEADERS) and _NO_MEMBER.search(subject):
        return True
    written_by = headers.text(head, "From")
    address = next((one.email for one in headers.addresses(head, "From")), "")
    from_server = bool(_POSTMASTER.match(address) or _POSTMASTER.match(written_by))
    nobody = headers.raw(head, "Return-Path").replace(" ", "") == "<>"
    if (from_server or (nobody and parts.originals)) and _REFUSED.search(text):
        return True
    if not (from_server or nobody or _MACHINE.match(address)):
        return False
    named_so = _FAILURE_SUBJECT.search(subject)
    return bool(named_so and (_FAILURE_TEXT.search(text) or STATUS.search(text) or RECIPIENT.search(text)))


def described(parts: Parts) -> Bounce:
    """The first address and status code that the words name; else the copy that came back names who it was for."""
    text = parts.text[:LOOKED_AT]
    named = RECIPIENT.search(headers.raw(parts.head, "X-Failed-Recipients") or text)
    copied = [one.email for original in parts.originals[:1] for one in headers.addresses(original, "To")]
    status = STATUS.search(text)
    code = status[1] if status else ""
    why = status or _REFUSED.search(text) or _FAILURE_TEXT.search(text) or named
    reason = " ".join(text[max(why.start() - 100, 0) : why.start() + 300].split()) if why and text else ""
    delayed = bool(_DELAY.search(headers.text(parts.head, "Subject")))
    return Bounce(
        named[0].lower() if named else next(iter(copied), ""),
        code,
        reason,
        permanent=not delayed and is_about_address(code, reason),
        kind=Report.DELAYED if delayed else Report.FAILED,
    )
