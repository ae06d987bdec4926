"""What stands below people's words: signatures, "Sent from my phone", disclaimers, footers of lists and scanners."""

import re
from collections.abc import Sequence

# Lines of text after a rule of dashes, beyond which it parts two sections and is no signature's.
LONGEST_SIGNATURE = 15
# Characters of a line looked at.
LOOKED_AT = 400

_DELIMITER = re.compile(r"^(?:-- ?|--|—|——|_{2,}|-{2,}|–{2,}|ᐧ)$")
# Rules of other characters stand between sections as well: only what nothing but other rules follow is folded away.
_RULE = re.compile(r"^[-–—_=~#*+.ᐧ\s]{2,}$")
# "-Jo", and no "- yes".
_NAME = re.compile(r"^[-~][^\W\d_][\w.'’]*(?:\s[^\W\d_][\w.'’]*){0,2}$")

_DEVICE = (
    r"i ?phone?\w*|i ?pad\w*|i ?pod|i ?mac|macbook|apple watch|android|galaxy|samsung|blackberry|huawei|xiaomi|"
    r"redmi|nokia|lumia|"
    r"pixel|nexus|oneplus|motorola|sony|xperia|htc|lg|treo|palm|handheld|hand[iy]|mobil\w*|smart ?phone|(?:tele)?phone|"
    r"tele?fon\w*|tel[ée]f?on\w*|t[ée]l[ée]phone|tablet\w*|tablette|cell(?: ?phone)?|celular|device|wireless|"
    r"(?:windows |yahoo |proton|nine|blue|aqua|airmail|k-9|spark|mail(?:box)?|tuta|gmx|web\.de|gmail|outlook|"
    r"thunderbird|"
    r"hey|superhuman|front|zoho|posteo|fairemail|mail\.ru|yandex|seznam)\b[^.]{0,40}|mail|outlook|"
    r"мобильн\w*|телефон\w*|смартфон\w*|устройств\w*|планшет\w*|почты|пошти|пристро\w*|手机|手機|携帯|スマートフォン|핸드폰|휴대전화|휴대폰"
)
_SENT = (
    r"sent(?: to you)?(?: from| via| with| by| using| on)?|get|from|by|written|typed|composed|(?:some|any)one from|"
    r"gesendet|geschrieben|diese (?:nachricht|mail|e-mail) wurde|von mein\w*|vom|envoy[ée]\w*|(?:télé)?charge[zr]|"
    r"enviad[oa]|"
    r"mandad[oa]|obtener|obter|inviat[oa]|scarica|ottieni|verzonden|verstuurd|gestuurd|download|skickat|skickades|"
    r"sendt|"
    r"hent|hämta|få|lähetetty|wysłan[eo]|wysłano|odeslán[oa]|odoslan[éo]|отправлено|послано|надіслано|відправлено|"
    r"изпратено|küldve|elküldve|gönderildi|trimis|στάλθηκε|poslano|saadetud|dikirim|đã gửi|được gửi|ส่งจาก|enviat|"
    r"tento e-mail byl odeslán"
)
_MOBILE = re.compile(
    rf"(?i)^\W{{0,4}}(?:(?:{_SENT})\b\W.{{0,90}}?\b(?:{_DEVICE})\b.{{0,60}}|"
    r"sent (?:from|via|on|with) my (?:[\w.+-]+ ?){1,8}|sent (?:from|via|with) [A-Z]\w{1,20}(?: \w{1,20}){0,2}|"
    r"get outlook for .{1,60}|outlook (?:für|para|pour|per|voor) .{1,40}(?:laden|herunterladen|beziehen).{0,40}|"
    r".{0,30}(?:iphone|ipad|android|outlook|galaxy|手机|手機|携帯|邮箱大师|スマートフォン)[^.!?]{0,30}"
    r"(?:送信|发送|發送|傳送|发自|보냄|보냅니다|gönderildi|küldve|에서).{0,40}|"
    r"(?:从|從|发自|發自|发送自|傳送自|来自|來自).{0,60}|.{0,40}에서 보[냄낸].{0,10}|נשלח מ.{1,60}|أ?رسلت? من .{1,60}|"
    r"تم الإرسال من .{1,60})$"
)
_EXCUSED = re.compile(r"(?i)\b(?:excuse|forgive|pardon|sorry for|apologi[sz]e|brevity|typo\w*|entschuldig\w*)\b")
# A sentence goes on where a device's name would end.
_SENTENCE = re.compile(
    r"(?i)\b(?:is|are|was|were|has|have|had|does|did|will|would|can|could|but|because|that|which|ist|hat|und)\b"
)

_DISCLAIMER = re.compile(
    r"(?i)^\W{0,6}(?:(?:legal |confidentiality |privacy |important )(?:disclaimer|notice|note|warning)\b|disclaimer\b|"
    r"confidentiality\b.{0,30}[:.]|privileged (?:and|&|/) confidential|"
    r"(?:this|the information (?:contained )?in this) (?:e-?mail|message|communication|transmission|electronic)"
    r"\b.{0,120}\b(?:confidential|privileged|intended|proprietary|virus|scanned)|"
    r"(?:if you are|if you have|unless you are) (?:not the (?:intended|named)|received this (?:e-?mail|"
    r"message) in error)|"
    r"please consider (?:the|your|our) environment|(?:think|before) .{0,30}(?:before )?print|save (?:a tree|paper)|"
    r"virus[- ]free\b|this (?:e-?mail|message) (?:has been|was) (?:checked|scanned|sent)|no virus found|"
    r"diese e-?mail (?:enthält|kann|ist|und)|(?:rechtlicher )?hinweis:.{0,60}vertraulich|der inhalt dieser e-?mail|"
    r"(?:bitte )?denken sie an die umwelt|ce (?:message|courriel|mail)\b.{0,80}(?:confidentiel|destin|virus)|"
    r"pensez à l['’]environnement|l'absence de virus|este (?:mensaje|correo|e-?mail)\b.{0,90}(?:confidencial|"
    r"dirigid|virus)|"
    r"antes de imprimir|(?:questo messaggio|questa e-?mail|le informazioni contenute)\b.{0,90}(?:riservat|"
    r"confidenzial|virus)|"
    r"ai sensi del|prima di stampare|dit (?:e-mail)?bericht\b.{0,80}(?:vertrouwelijk|bestemd|bedoeld)|"
    r"de informatie in deze|"
    r"esta (?:mensagem|e-?mail|comunicação)\b.{0,90}(?:confidencia|destin)|(?:ta |niniejsza )(?:wiadomość|"
    r"korespondencja)\b|"
    r"данное (?:сообщение|письмо)\b|это (?:сообщение|письмо)\b.{0,80}(?:конфиденц|предназнач)|"
    r"(?:detta|dette|denne) (?:meddelande|e-?post\w*|e-?mail)\b.{0,90}(?:konfiden|fortrolig|avsed)|"
    r"you (?:have )?received this (?:message|e-?mail|because)|to unsubscribe\b|unsubscribe\b|abmelden\b)"
)


def ending(lines: Sequence[str]) -> int:
    """How many of these lines, stripped of blanks, are people's words; the rest is signature and footer."""
    end = _at_delimiter(lines)
    while True:
        before = end
        while end and (not lines[end - 1] or _RULE.match(lines[end - 1]) or is_sent_from(lines[end - 1])):
            end -= 1
        end = _without_disclaimer(lines, end)
        if end == before:
            break
    if end > 1 and _NAME.match(lines[end - 1]) and not lines[end - 1][1:].islower() and not lines[end - 2]:
        end -= 1
    while end and not lines[end - 1]:
        end -= 1
    return end


def is_sent_from(line: str) -> bool:
    """Whether a mail program wrote this line: "Sent from my iPhone", "Get Outlook for iOS"."""
    if not line or len(line) > LOOKED_AT or not (found := _MOBILE.match(line)):
        return False
    return bool(_EXCUSED.search(line)) or not (re.search(r",(?! an? )", found[0]) or _SENTENCE.search(line))


def _at_delimiter(lines: Sequence[str]) -> int:
    """Up to the delimiter of a signature ("--" on a line of its own) that words stand before."""
    begun, after = False, sum(map(bool, lines))
    last_question = max((place for place, line in enumerate(lines) if line.endswith("?")), default=-1)
    for place, line in enumerate(lines):
        after -= bool(line)
        short = after <= LONGEST_SIGNATURE and last_question < place
        if begun and _DELIMITER.match(line) and (short or line == "--"):
            return place
        begun = begun or (bool(line) and line != ">")
    return len(lines)


def _without_disclaimer(lines: Sequence[str], end: int) -> int:
    """Up to a last paragraph that is a disclaimer, where words stand before it."""
    start = end
    while start and lines[start - 1]:
        start -= 1
    if start and end > start and _DISCLAIMER.match(lines[start][:LOOKED_AT]) and any(lines[:start]):
        return start
    return end
