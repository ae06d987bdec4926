"""What stands above a quoted message: "On … wrote:", header blocks, "Original Message"; by client and language."""

import re
from collections.abc import Sequence
from functools import lru_cache

# Lines that one introduction may be wrapped over, lines of one header block, and characters of a line looked at.
MOST_WRAPPED, LONGEST_BLOCK, LOOKED_AT = 5, 16, 300

_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad]")

# ── "On … wrote:" ────────────────────────────────────────────────────────────────────────────────────────────────────
# Verbs of introductions, as mail programs write them.
_WROTE = re.compile(
    r"(?i)(?<!\w)(?:wrote|writes|said|schrieb(?:en)?|schreibt|geschrieben|a [ée]crit|[ée]crivait|escribi[óo]|"
    r"ha escrit[o]?|va escriure|ha scritto|scrisse|scrive|schreef|geschreven|escreveu|escribiu|skrev|skreiv|"
    r"skrifa[ðd]i|napisa[łl](?:\(a\)|a)?|pisze|naps(?:al|ala|al\(a\))|nap[íi]sal(?:a|\(a\))?|je (?:napisa[ol]a?|"
    r"pisa[ol]a?)|"
    r"napisao|написала?|написал\(а\)|пишет|писала?|пише|написав|написа|kirjoitti|kirjutas|yazd[ıi]|yazm[ıi][şs]|"
    r"[íi]rta|έγραψε|a scris|rakst[īi]ja|ra[šs][ėe]|כתבה?|كتب|đã viết|viết|menulis|sumulat|ha scrit)(?:\b|\(|(?=\W|$))|"
    r"写道|寫道|写到|님이 작성|님이 쓴|작성:|のメッセージ|wrote:|書きました|さんは書|のメール|เขียนว่า"
)
_QUOTING = re.compile(r"(?i)^(?:quoting|zitat von|zitiere|citando|citation de|en réponse à|in reply to|citerar)\b")
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d(?!\d)|\d{1,2}(?::|h|\.|：)\d{2}(?!\d)|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?!\d)|\d{1,2}月)"
)
_STAMP = re.compile(r"^\W{0,3}(?:(?:19|20)\d\d[-/.年]\s?\d{1,2}[-/.月]|\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d\b)")
# Gmail, before it had languages: "2016-06-15 20:42 GMT+02:00 Jo Doe", the colon lost on the way.
_OLD_STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d{1,2}:\d\d GMT[+-]\d\d:\d\d \S.{0,120}$")
_EMAIL = re.compile(r"[^\s<>@\"',;:()\[\]]{1,80}@[^\s<>@\"',;:()\[\]]{1,120}")
_BRACKETED = re.compile(r"[<(\[]\s*(?:mailto:)?[^\s<>@()\[\]]{1,80}@[^\s<>@()\[\]]{1,120}")
_COLON = re.compile(r"[:：]\s*[*_]{0,2}\s*$|[:：]?\s*-{3,}\s*$")
# Words that an introduction begins with where the date or the name comes after.
_LEAD = re.compile(
    r"(?i)^\W{0,4}(?:on|at|am|le|el|il|op|em|no dia|en|den|på|d\.|w dniu|dnia|dne|în|στις|vào|pada|في|בתאריך|ב-|在|于|"
    r"於|в|"
    r"(?:mon|tue|wed|thu|fri|sat|sun|пн|вт|ср|чт|пт|сб|вс|нд|po|út|st|čt|pá|so|ne|ma|ti|ke|to|pe|la|su|lör|sön)\b|"
    r"(?:понедельник|вторник|среда|четверг|пятница|суббота|воскресенье))\b"
)


def bare(line: str) -> str:
    """A line as it is compared: no characters without width, plain blanks, entities that clients leave behind."""
    line = _UNSEEN.sub("", line[:LOOKED_AT]).replace("\u00a0", " ").replace("\u202f", " ").strip()
    return line.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"') if "&" in line else line


def is_end_of_address(line: str) -> bool:
    """Whether a line that looks quoted ends an introduction that was broken inside its address: "> wrote:"."""
    return len(line) < 40 and line.startswith("> ") and bool(_COLON.search(line) and _WROTE.match(line[2:]))


def introduction(lines: Sequence[str], last: int, quoted_after: bool) -> int:
    """How many lines, ending with `last`, introduce a quoted message ("On … wrote:"); 0 for none. Lines are bare."""
    end = lines[last]
    if _OLD_STAMP.match(end):
        return 1
    if not (_COLON.search(end) or (quoted_after and _EMAIL.search(end))):
        return 0
    found = 0
    joined = ""
    for count in range(1, min(MOST_WRAPPED, last + 1) + 1):
        line = lines[last - count + 1]
        if not line and joined.startswith("<"):  # an address that a program set apart
            continue
        if not line or (count > 1 and (len(line) > 200 or line.endswith((".", "!", "?", ":")) and len(line) < 40)):
            break
        joined = f"{line} {joined}".rstrip()
        strength = _strength(joined, quoted_after)
        if strength == 2:
            return _from_its_beginning(lines, last, count)
        if strength == 1 and not found:
            found = count
    return found


def _strength(text: str, quoted_after: bool) -> int:
    """2: an introduction with its date. 1: one that may have its date on the line before. 0: none."""
    if len(text) > 400:
        return 0
    wrote, date = bool(_WROTE.search(text)), bool(_DATE.search(text))
    ends = bool(_COLON.search(text))
    if date and ((wrote and ends and _is_introducing(text, quoted_after)) or (ends and _BRACKETED.search(text))):
        return 2
    if date and quoted_after and (_STAMP.match(text) or wrote) and _EMAIL.search(text):
        return 2
    if ends and (wrote or _QUOTING.match(text)) and (_EMAIL.search(text) or (quoted_after and len(text) < 120)):
        return 1
    return 0


def _is_introducing(text: str, quoted_after: bool) -> bool:
    """Customers, too, write "as your colleague wrote in 2016:"; programs begin with the date, a name or a lead."""
    return bool(
        quoted_after
        or _EMAIL.search(text)
        or _LEAD.match(text)
        or _STAMP.match(text)
        or re.match(r"\W{0,4}\d", text)
        or re.search(r"\d{1,2}[:.h]\d{2}", text)
    )


def _from_its_beginning(lines: Sequence[str], last: int, count: int) -> int:
    """The date itself may be wrapped: takes the line before along where the introduction's lead stands in it."""
    first = last - count + 1
    if _LEAD.match(lines[first]) or count >= MOST_WRAPPED:
        return count
    if (
        first > 0
        and lines[first - 1]
        and _LEAD.match(lines[first - 1])
        and not lines[first - 1].endswith((".", "!", "?"))
    ):
        return count + 1
    name_alone = first > 0 and lines[first].startswith("<") and lines[first - 1] and len(lines[first - 1]) < 60
    return count + 1 if name_alone and (first < 2 or not lines[first - 2]) else count


# ── "From: … Sent: … To: …" ──────────────────────────────────────────────────────────────────────────────────────────

_NAMES = {
    "from": "From|Von|De|Da|Van|Från|Fra|Frå|Od|От|От кого|Від|Від кого|Lähettäjä|Kimden|Gönderen|Feladó|Από|De la|"
    "Expéditeur|"
    "Remitente|Mittente|Afzender|Remetente|Avsändare|Avsender|Afsender|Nadawca|Odesílatel|Odosielateľ|Saatja|Nuo|"
    "发件人|寄件者|寄件人|差出人|送信者|From|보낸 사람|보낸사람|מאת|من|Dari|Từ|จาก|Pošiljatelj|Šalje|"
    "Pošiljatelj|发信人",
    "date": "Sent|Date|Sent at|Sent on|Date/Time|Gesendet|Gesendet am|Datum|Envoyé|Envoyé le|Enviado|Enviado el|"
    "Enviada em|"
    "Enviado em|Enviada|Fecha|Data|Inviato|Data invio|Verzonden|Verzonden op|Skickat|Sendt|Dato|Wysłano|Wysłane|"
    "Отправлено|Дата|Надіслано|Odesláno|Odoslané|Odoslané|Dátum|Lähetetty|Päivämäärä|Päiväys|Gönderildi|"
    "Gönderme Tarihi|"
    "Tarih|Elküldve|Küldve|Küldés ideje|Στάλθηκε|Ημερομηνία|Trimis|Poslano|Saadetud|发送时间|发送日期|日期|时间|"
    "寄件日期|傳送時間|時間|"
    "送信日時|日時|送信日|日付|보낸 날짜|보낸시간|날짜|일시|נשלח|תאריך|تاريخ|التاريخ|Tanggal|Ngày|วันที่",
    "to": "To|An|À|A|Para|Pour|Aan|Till|Til|Do|Komu|Кому|До|Vastaanottaja|Kime|Alıcı|Címzett|Προς|Către|Destinataire|"
    "Destinatario|Destinatário|Ontvanger|Mottagare|Mottaker|Modtager|Adresat|Pro|Za|Prima|收件人|收件者|宛先|To|"
    "받는 사람|받는사람|"
    "אל|إلى|Kepada|Tới|ถึง",
    "subject": "Subject|Betreff|Betrifft|Objet|Sujet|Asunto|Oggetto|Onderwerp|Betreft|Assunto|Ämne|Emne|Temat|Тема|"
    "Předmět|"
    "Predmet|Aihe|Konu|Tárgy|Θέμα|Subiect|Subiectul|Teema|Tema|主题|主旨|件名|題名|제목|נושא|الموضوع|Subjek|"
    "Perihal|Chủ đề|"
    "เรื่อง",
    "other": "Cc|Bcc|Kopie|Kopia|Kopi|Copie|Copie à|Copia|Con copia|Копия|Копія|Kopio|Bilgi|Másolatot kap|Κοιν\\.|"
    "抄送|副本|参照|참조|"
    "עותק|Reply-To|Reply to|Antwort an|Répondre à|Responder a|Rispondi a|Risposta|Beantwoorden|Svara till|Importance|"
    "Wichtigkeit|Priority|Priorität|Attachments?|Anlagen?|Organi[sz]ation|Newsgroups|Mailed-By|Signed-By|Resent-From",
}
_HEADER = re.compile(
    r"(?i)^[\s>*_|]{0,6}(?:"
    + "|".join(f"(?P<{kind}>{'|'.join(dict.fromkeys(words.split('|')))})" for kind, words in _NAMES.items())
    + r")[*_]{0,2}\s?[:：][*_]{0,2}(?=\s|\S)"
)
_ON_ONE_LINE = re.compile(
    r"(?i)^[\s*_]{0,4}(?:from|von|de|da|van)\s?:.{3,150}\s[*_]{0,2}(?:sent|date|gesendet|envoyé)\s?:"
)
# Lotus Notes writes a table: names at the end of a line or alone, in this order, and above it who and when.
_DOMINO = tuple(
    re.compile(rf"(?i)(?:^|\s{{3}})(?:{words})$")
    for words in ("to|an|pour|para|a|aan|till|til", "cc|kopie|copie|copia", "subject|thema|objet|asunto|oggetto|emne")
)


def header_block(lines: Sequence[str], first: int) -> int:
    """How many lines from `first` on are the copied headers of another message; 0 for none. Lines are bare."""
    if _header(lines[first]) is None:
        return 0
    if _ON_ONE_LINE.match(lines[first]):
        return 1
    kinds: dict[str, str] = {}
    last, strange = first, 0
    for place in range(first, min(first + LONGEST_BLOCK, len(lines))):
        if found := _header(lines[place]):
            kind, value = found
            if kind in kinds and kind in ("from", "date", "subject"):
                break
            kinds[kind], last, strange = value, place, 0
        elif (strange := strange + 1) > 2:
            break
    return last - first + 1 + _continued(lines, last) if _are_headers(kinds) else 0


@lru_cache(maxsize=1024)
def _header(line: str) -> tuple[str, str] | None:
    """Kind and value of a line that looks like a header; blocks overlap, so the last ones are remembered."""
    found = _HEADER.match(line) if ":" in line or "：" in line else None
    return (found.lastgroup or "", line[found.end() :]) if found else None


def _are_headers(kinds: dict[str, str]) -> bool:
    if "from" in kinds and "date" in kinds and re.search(r"\d", kinds["date"]):
        return True
    return len(kinds) >= 3 and bool(kinds.keys() & {"from", "date"}) and bool(kinds.keys() & {"to", "subject"})


def _continued(lines: Sequence[str], last: int) -> int:
    """Lines of a wrapped last header, up to the blank line, if there is one soon."""
    for count in range(1, 3):
        if last + count >= len(lines) or not lines[last + count]:
            return count - 1
    return 0


def domino_block(lines: Sequence[str], first: int) -> tuple[int, int] | None:
    """Where a table of Lotus Notes begins and ends whose "To" stands in line `first`; None for none. Lines are bare."""
    place = first
    for word in _DOMINO:
        found = next((n for n in range(place, min(place + 8, len(lines))) if word.search(lines[n])), None)
        if found is None or (place == first and found != first):
            return None
        place = found + 1
    while place < len(lines) and lines[place]:
        place += 1
    start = first
    while start and not lines[start - 1]:
        start -= 1
    above = next((n for n in range(start, max(start - 6, 0), -1) if not lines[n - 1]), start)
    who = " ".join(lines[above:start])
    return (above if _DATE.search(who) or _EMAIL.search(who) else first, place)


# ── "Original Message", "Forwarded message" ──────────────────────────────────────────────────────────────────────────

_MARKER_WORDS = (
    r"original message|original|original appointment|message original|reply message|replied message|forwarded message|"
    r"forwarded by .{2,60}|begin forwarded message|weitergeleitete nachricht|weitergeleitet von .{2,60}|"
    r"urspr(?:ü|ue)ngliche (?:nachricht|mail|e-mail|mitteilung)|original-?nachricht|originalnachricht|"
    r"anfang der weitergeleiteten (?:nachricht|e-?mail)|message d['’]origine|courriel original|message transféré|"
    r"message transf[ée]r[ée] .{2,60}|début du message (?:réexpédié|transféré)|mensaje original|mensaje reenviado|"
    r"inicio del mensaje reenviado|messaggio originale|messaggio inoltrato|inizio (?:del )?messaggio inoltrato|"
    r"oorspronkelijk(?:e)? bericht|origineel bericht|doorgestuurd bericht|begin doorgestuurd bericht|mensagem original|"
    r"mensagem encaminhada|mensagem reencaminhada|início da mensagem (?:reencaminhada|encaminhada)|"
    r"ursprungligt meddelande|originalmeddelande|vidarebefordrat (?:meddelande|brev)|opprinnelig melding|"
    r"original(?: )?melding|videresendt melding|oprindelig (?:meddelelse|besked)|videresendt (?:meddelelse|besked)|"
    r"start på videresendt besked|alkuperäinen viesti|edelleen lähetetty viesti|välitetty viesti(?: alkaa)?|"
    r"(?:oryginalna |pierwotna )?wiadomość oryginalna|oryginalna wiadomość|wiadomość (?:pierwotna|przekazana)|"
    r"przekazana wiadomość|treść przekazanej wiadomości|исходное сообщение|первоначальное сообщение|"
    r"пересылаемое сообщение|начало переадресованного сообщения|початок переадресованого повідомлення|"
    r"вихідне повідомлення|пересланное сообщение|пересылаемое письмо|původní zpráva|(?:přeposlaná|předaná) zpráva|"
    r"pôvodná správa|"
    r"preposlaná správa|eredeti üzenet|továbbított üzenet|orijinal (?:mesaj|ileti)|özgün ileti|iletilen ileti|"
    r"yönlendirilmiş mesaj|αρχικό μήνυμα|προωθημένο μήνυμα|mesaj original|mesaj redirecționat|原始邮件|原始郵件|"
    r"原始信件|"
    r"转发的?邮件(?:信息)?|轉寄的?郵件|转发信息|元のメッセージ|元のメール|転送(?:された)?メッセージ|"
    r"original mail|원본 메시지|원본 메일|전달된 메시지|"
    r"הודעה שהועברה|ההודעה המקורית|الرسالة الأصلية|رسالة محولة|pesan asli|pesan terusan|thư gốc|vidarebefordrat mail"
)
_MARKER = re.compile(
    rf"(?i)^[\s>*_]{{0,4}}(?:[-_=–—+*]{{2,60}}\s{{0,4}}(?:{_MARKER_WORDS})\s?[:：]?\s{{0,4}}[-_=–—+*]{{2,60}}|"
    rf"(?:{_MARKER_WORDS})\s?[:：]|\|-{{8,60}}>)\s*[*_]{{0,2}}$"
)
_REPLY_ABOVE = re.compile(
    r"(?i)^\W{0,12}(?:please )?(?:(?:type|write|enter) (?:your )?reply|reply|respond|antworten sie bitte|antwort bitte|"
    r"répondre|responda|responder|rispondi) (?:above|over|oberhalb|au-dessus|por encima|acima|sopra)\b.{0,60}$"
)


def is_marker(line: str) -> bool:
    """Whether a line says that another message follows, or that answers belong above it."""
    return bool(len(line) < 160 and (_MARKER.match(line) or _REPLY_ABOVE.match(line)))
