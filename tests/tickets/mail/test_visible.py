"""The new words of a reply, by client and language: each case is what a mail program writes, and what is left of it."""

import pytest

from tickets.mail.visible import visible_reply

# Client or service and language: how it introduces what it quotes.
INTRODUCTIONS = {
    "Gmail en": "On Wed, Jun 15, 2016 at 8:42 PM Jo Doe <jo@example.org> wrote:",
    "Gmail en, wrapped": "On Wed, Jun 15, 2016 at 8:42 PM, Jo Doe via Acme Support <\nsupport@acme.example> wrote:",
    "Gmail en, wrapped at the verb": "On Wed, Jun 15, 2016 at 8:42 PM, Jo Doe <jo@example.org>\nwrote:",
    "Gmail, old": "2016-06-15 20:42 GMT+02:00 Jo Doe <jo@example.org>:",
    "Gmail, old, wrapped": "2016-06-15 20:42 GMT+02:00 A person with a very long name <\njo@example.org>:",
    "Gmail, old, without colon": "2016-06-15 20:42 GMT+02:00 Jo Doe",
    "Mailbox, address set apart": "On Wed, 15 Jun 2016 at 20:42 Jo Doe\n\n<\nmailto:Jo Doe <jo@example.org>\n> wrote:",
    "Apple Mail en": "On 15 Jun 2016, at 20:42, Jo Doe <jo@example.org> wrote:",
    "Thunderbird en": "On 6/15/16 8:42 PM, Jo Doe wrote:",
    "Outlook for Mac en": 'On 6/15/16, 8:42 PM, "Jo Doe" <jo@example.org> wrote:',
    "Yahoo en": "On Wednesday, June 15, 2016, 08:42:00 PM GMT+2, Jo Doe <jo@example.org> wrote:",
    "Zoho": "---- On Wed, 15 Jun 2016 20:42:00 +0200 Jo Doe <jo@example.org> wrote ----",
    "Proton": "On Wednesday, June 15th, 2016 at 8:42 PM, Jo Doe <jo@example.org> wrote:",
    "Horde": 'Quoting "Jo Doe" <jo@example.org>:',
    "Gmail de": "Am Mi., 15. Juni 2016 um 20:42 Uhr schrieb Jo Doe <jo@example.org>:",
    "Gmail de, wrapped": "Jo Doe <jo@example.org> schrieb am Mi., 15. Juni 2016\num 20:42 Uhr:",
    "Thunderbird de": "Am 15.06.2016 um 20:42 schrieb Jo Doe:",
    "K-9 de": "Am 15. Juni 2016 20:42:00 MESZ schrieb Jo Doe <jo@example.org>:",
    "Apple Mail de": "> Am 15.06.2016 um 20:42 schrieb Jo Doe <jo@example.org>:",
    "Gmail fr": "Le mer. 15 juin 2016 à 20:42, Jo Doe <jo@example.org> a écrit :",
    "Apple Mail fr": "Le 15 juin 2016 à 20:42, Jo Doe <jo@example.org> a écrit :",
    "Gmail fr, wrapped": 'Le 15 juin 2016 20:42, "Jo Doe"\n<jo@example.org>\na écrit :',
    "Gmail es": "El mié, 15 jun 2016 a las 20:42, Jo Doe (<jo@example.org>) escribió:",
    "Thunderbird es": "El 15/06/2016 a las 20:42, Jo Doe escribió:",
    "Gmail it": "Il giorno mer 15 giu 2016 alle ore 20:42 Jo Doe <jo@example.org> ha scritto:",
    "Apple Mail it": "Il giorno 15 giu 2016, alle ore 20:42, Jo Doe <jo@example.org> ha scritto:",
    "Gmail nl": "Op wo 15 jun. 2016 om 20:42 schreef Jo Doe <jo@example.org>:",
    "Apple Mail nl": "Op 15 jun. 2016, om 20:42 heeft Jo Doe <jo@example.org> het volgende geschreven:",
    "Gmail pt": "Em qua., 15 de jun. de 2016 às 20:42, Jo Doe <jo@example.org> escreveu:",
    "Apple Mail pt": "No dia 15/06/2016, às 20:42, Jo Doe <jo@example.org> escreveu:",
    "Gmail pl": "śr., 15 cze 2016 o 20:42 Jo Doe <jo@example.org> napisał(a):",
    "Thunderbird pl": "W dniu 15.06.2016 o 20:42, Jo Doe pisze:",
    "Apple Mail pl": "Wiadomość napisana przez Jo Doe <jo@example.org> w dniu 15.06.2016, o godz. 20:42:",
    "Gmail ru": "ср, 15 июн. 2016 г. в 20:42, Jo Doe <jo@example.org>:",
    "Mail.ru": "Среда, 15 июня 2016, 20:42 +03:00 от Jo Doe <jo@example.org>:",
    "Thunderbird ru": "15.06.2016 20:42, Jo Doe пишет:",
    "Gmail uk": "ср, 15 черв. 2016 р. о 20:42 Jo Doe <jo@example.org> пише:",
    "Gmail sv": "Den ons 15 juni 2016 kl 20:42 skrev Jo Doe <jo@example.org>:",
    "Apple Mail sv": "15 juni 2016 kl. 20:42 skrev Jo Doe <jo@example.org>:",
    "Gmail no": "ons. 15. jun. 2016 kl. 20:42 skrev Jo Doe <jo@example.org>:",
    "Gmail da": "Den ons. 15. jun. 2016 kl. 20.42 skrev Jo Doe <jo@example.org>:",
    "Gmail fi": "ke 15. kesäk. 2016 klo 20.42 Jo Doe (jo@example.org) kirjoitti:",
    "Apple Mail fi": "Jo Doe <jo@example.org> kirjoitti 15.6.2016 kello 20.42:",
    "Gmail cs": "st 15. 6. 2016 v 20:42 odesílatel Jo Doe <jo@example.org> napsal:",
    "Thunderbird cs": "Dne 15. 06. 16 v 20:42 Jo Doe napsal(a):",
    "Gmail sk": "st 15. 6. 2016 o 20:42 Jo Doe <jo@example.org> napísal(a):",
    "Gmail hu": "Jo Doe <jo@example.org> ezt írta (időpont: 2016. jún. 15., Sze, 20:42):",
    "Gmail tr": "Jo Doe <jo@example.org>, 15 Haz 2016 Çar, 20:42 tarihinde şunu yazdı:",
    "Gmail el": "Στις Τετ 15 Ιουν 2016 στις 8:42 μ.μ., ο χρήστης Jo Doe <jo@example.org> έγραψε:",
    "Gmail ro": "În mie., 15 iun. 2016 la 20:42, Jo Doe <jo@example.org> a scris:",
    "Gmail ja": "2016年6月15日(水) 20:42 Jo Doe <jo@example.org>:",
    "Apple Mail ja": "2016/06/15 20:42、Jo Doe <jo@example.org>のメール:",
    "Gmail zh": "Jo Doe <jo@example.org> 于2016年6月15日周三 20:42写道：",
    "Gmail zh-TW": "Jo Doe <jo@example.org> 於 2016年6月15日 週三 下午8:42寫道：",
    "163": "在 2016-06-15 20:42:00，\"Jo Doe\" <jo@example.org> 写道：",
    "Gmail ko": "2016년 6월 15일 (수) 오후 8:42, Jo Doe <jo@example.org>님이 작성:",
    "Gmail he": "\u202b"
    "בתאריך יום ד׳, 15 ביוני 2016 ב-20:42 מאת \u202aJo Doe\u202c\u200f "
    "<\u202ajo@example.org\u202c\u200f>:\u202c",
    "Gmail ar": "في الأربعاء، 15 يونيو 2016 في 8:42 م تمت كتابة ما يلي بواسطة Jo Doe <jo@example.org>:",
    "Gmail vi": "Vào Th 4, 15 thg 6, 2016 vào lúc 20:42 Jo Doe <jo@example.org> đã viết:",
    "Gmail id": "Pada tanggal Rab, 15 Jun 2016 pukul 20.42 Jo Doe <jo@example.org> menulis:",
}  # fmt: skip

# What stands above a copied message that is not quoted line by line.
HEADS = {
    "Outlook en": "From: Jo Doe <jo@example.org>\nSent: Wednesday, June 15, 2016 8:42 PM\nTo: Support\nSubject: Help",
    "Outlook en, rule": "________________________________\nFrom: Jo Doe <jo@example.org>\nSent: Wednesday, June 15, "
    "2016 "
    "8:42 PM\nTo: Support\nSubject: Help",
    "Outlook en, old": "-----Original Message-----\nFrom: Jo Doe [mailto:jo@example.org]\nSent: 15 June 2016 20:42\n"
    "To: Support\nSubject: Help",
    "Outlook en, bold": "*From:* Jo Doe <jo@example.org>\n*Sent:* 15 June 2016 20:42\n*To:* Support\n*Subject:* Help",
    "Outlook en, blank lines": "From: Jo Doe\n\nSent: 15 June 2016 20:42\n\nTo: Support\n\nSubject: Help",
    "Outlook en, on one line": "From: Jo Doe <jo@example.org> Sent: 15 June 2016 20:42 To: Support Subject: Help",
    "Outlook de": "Von: Jo Doe <jo@example.org>\nGesendet: Mittwoch, 15. Juni 2016 20:42\nAn: Support\nBetreff: Hilfe",
    "Outlook de, old": "-----Ursprüngliche Nachricht-----\nVon: Jo Doe\nGesendet: 15.06.2016 20:42\nAn: "
    "Support\nBetreff: x",
    "Outlook fr": "De : Jo Doe <jo@example.org>\nEnvoyé : mercredi 15 juin 2016 20:42\nÀ : Support\nObjet : Aide",
    "Outlook es": "De: Jo Doe <jo@example.org>\nEnviado el: miércoles, 15 de junio de 2016 20:42\nPara: "
    "Support\nAsunto: x",
    "Outlook it": "Da: Jo Doe <jo@example.org>\nInviato: mercoledì 15 giugno 2016 20:42\nA: Support\nOggetto: Aiuto",
    "Outlook nl": "Van: Jo Doe <jo@example.org>\nVerzonden: woensdag 15 juni 2016 20:42\nAan: Support\nOnderwerp: Hulp",
    "Outlook pt": "De: Jo Doe <jo@example.org>\nEnviada em: quarta-feira, 15 de junho de 2016 20:42\nPara: "
    "x\nAssunto: y",
    "Outlook pl": "Od: Jo Doe <jo@example.org>\nWysłano: środa, 15 czerwca 2016 20:42\nDo: Support\nTemat: Pomoc",
    "Outlook ru": "От: Jo Doe <jo@example.org>\nОтправлено: 15 июня 2016 г. 20:42\nКому: Support\nТема: Помощь",
    "Outlook sv": "Från: Jo Doe <jo@example.org>\nSkickat: den 15 juni 2016 20:42\nTill: Support\nÄmne: Hjälp",
    "Outlook no": "Fra: Jo Doe <jo@example.org>\nSendt: onsdag 15. juni 2016 20:42\nTil: Support\nEmne: Hjelp",
    "Outlook fi": "Lähettäjä: Jo Doe <jo@example.org>\nLähetetty: 15. kesäkuuta 2016 20:42\nVastaanottaja: x\nAihe: y",
    "Outlook cs": "Od: Jo Doe <jo@example.org>\nOdesláno: středa 15. června 2016 20:42\nKomu: Support\nPředmět: Pomoc",
    "Outlook hu": "Feladó: Jo Doe <jo@example.org>\nElküldve: 2016. június 15. 20:42\nCímzett: Support\nTárgy: x",
    "Outlook tr": "Kimden: Jo Doe <jo@example.org>\nGönderildi: 15 Haziran 2016 20:42\nKime: Support\nKonu: x",
    "Outlook zh": "发件人: Jo Doe <jo@example.org>\n发送时间: 2016年6月15日 20:42\n收件人: Support\n主题: x",
    "Outlook zh-TW": "寄件者: Jo Doe <jo@example.org>\n寄件日期: 2016年6月15日 20:42\n收件者: Support\n主旨: x",
    "Outlook ja": "差出人: Jo Doe <jo@example.org>\n送信日時: 2016年6月15日 20:42\n宛先: Support\n件名: x",
    "Outlook ko": "보낸 사람: Jo Doe <jo@example.org>\n보낸 날짜: 2016년 6월 15일 20:42\n받는 사람: Support\n제목: x",
    "QQ": '------------------ 原始邮件 ------------------\n发件人: "Jo Doe";<jo@example.org>;\n'
    '发送时间: 2016年6月15日 20:42\n收件人: "Support";\n主题: x',
    "Gmail forward": "---------- Forwarded message ---------\nFrom: Jo Doe <jo@example.org>\nDate: Wed, Jun 15, 2016\n"
    "Subject: Help\nTo: <support@acme.example>",
    "Apple forward": "Begin forwarded message:\n\nFrom: Jo Doe <jo@example.org>\nSubject: Help\nDate: 15 June "
    "2016\nTo: x",
    "Apple forward de": "Anfang der weitergeleiteten Nachricht:\n\nVon: Jo Doe <jo@example.org>\nBetreff: x\nDatum: "
    "15.6.16",
    "Thunderbird forward": "-------- Forwarded Message --------\nSubject: \tHelp\nDate: \tWed, 15 Jun 2016\nFrom: "
    "\tJo\nTo: \tx",
    "Notes": "-----Jo Doe <jo@example.org> wrote: -----\nTo: Support\nFrom: Jo Doe\nDate: 15/06/2016 "
    "08:42PM\nSubject: Help",
    "Notes, table": "Jo Doe <jo@example.org>\n15/06/2016 20:42\n\nTo\nSupport "
    "<support@acme.example>\ncc\n\nSubject\nHelp",
    "Notes, wide table": "             Jo Doe\n             <jo@example.org>\n             Sent by:              "
    "                 To\n             x@example.org    support@acme.example\n                               "
    "             cc\n\n             15/06/2016 20:42                Subject\n             PM       Help",
    "Notes, boxes": "|------------>\n| From:      |\n|------------>\n  >---------|\n  |Jo Doe   |\n  >---------|",
    "answers above": "##- Please type your reply above this line -##",
}

MOBILE = """
Sent from my iPhone
Sent from my iPad Pro
Sent from my Samsung Galaxy smartphone.
Sent from Yahoo Mail on Android
Get Outlook for iOS
Get Outlook for Android<https://aka.ms/ghei36>
Sent from Outlook for iOS<https://aka.ms/o0ukef>
Sent from Mail for Windows 10
Sent via the Samsung Galaxy S8, an AT&T 4G LTE smartphone
Sent with Proton Mail secure email.
Sent from my mobile. Please excuse brevity and typos.
Von meinem iPhone gesendet
Gesendet von Mail für Windows 10
Von meinem Samsung Galaxy Smartphone gesendet.
Gesendet mit der GMX Mail App
Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.
Envoyé de mon iPhone
Envoyé depuis mon mobile
Envoyé à partir de Outlook pour iOS
Enviado desde mi iPhone
Enviado do meu iPhone
Enviado desde mi teléfono
Inviato da iPhone
Inviato dal mio dispositivo Android
Verstuurd vanaf mijn iPhone
Verzonden vanaf mijn Samsung-toestel
Skickat från min iPhone
Sendt fra min iPhone
Sendt fra min mobil
Lähetetty iPhonesta
Wysłane z iPhone'a
Wysłano z mojego telefonu
Отправлено с iPhone
Отправлено с моего мобильного телефона
Надіслано з iPhone
Odesláno z iPhonu
Odesláno z mého telefonu
iPhoneから送信
从我的 iPhone 发送
发自我的iPhone
從我的 iPhone 傳送
나의 iPhone에서 보냄
iPhone'umdan gönderildi
Trimis de pe iPhone
Στάλθηκε από το iPhone μου
Küldve az iPhone-omról
נשלח מה-iPhone שלי
Sent from my BlackBerry® wireless device
""".strip().splitlines()

QUOTED = "> It works now, does it not?\n>\n> Regards\n> Ada\n"
UNQUOTED = "It works now, does it not?\n\nRegards\nAda\n"


@pytest.mark.parametrize("client", INTRODUCTIONS)
@pytest.mark.parametrize("quoted", [f"\n{QUOTED}", QUOTED, f"\n{UNQUOTED}"], ids=["quoted", "close", "unquoted"])
def test_what_is_introduced_is_folded_away(client, quoted):
    if quoted.endswith(UNQUOTED) and INTRODUCTIONS[client].startswith(">"):
        pytest.skip("quoted with its introduction")
    new = "Hello Ada,\n\nno, it does not.\nWhat now?"
    assert visible_reply(f"{new}\n\n{INTRODUCTIONS[client]}\n{quoted}") == new


@pytest.mark.parametrize("client", INTRODUCTIONS)
def test_an_answer_below_the_quotation_is_what_counts(client):
    if not INTRODUCTIONS[client].startswith(">"):
        assert visible_reply(f"{INTRODUCTIONS[client]}\n\n{QUOTED}\nNo, it does not.\n") == "No, it does not."


@pytest.mark.parametrize("client", HEADS)
def test_what_stands_under_copied_headers_is_folded_away(client):
    new = "Hello Ada,\n\nno, it does not."
    assert visible_reply(f"{new}\n\n{HEADS[client]}\n\n{UNQUOTED}") == new


@pytest.mark.parametrize("line", MOBILE)
def test_what_a_phone_adds_is_folded_away(line):
    assert visible_reply(f"No, it does not.\n\n{line}\n") == "No, it does not."
    quoted = f"No, it does not.\n\n{line}\n\nOn 6/15/16 8:42 PM, Jo wrote:\n{QUOTED}"
    assert visible_reply(quoted) == "No, it does not."


@pytest.mark.parametrize(
    "text",
    [
        "Hello,\n\nthe error is:\n\n    > SELECT\n\nWhat now?",
        "Sent from my desk, this worked. From home it does not.",
        "Sent from my desk is what I wrote, and nobody answered.",
        "From: Berlin\nTo: Paris\n\nWhich train is it?",
        "I get this:\n\n- one\n- two\n\n- yes",
        "On Monday it failed:\nthe page was white.",
        "It says:\n\nFrom now on: no orders.\nTo all: sorry.",
        "On 3 May you wrote: the fix is out. It is not.",
        "My phone is broken. I wrote this from my tablet, and it is not my device.",
        "| a | b |\n| 1 | 2 |\n\nWhy is this table empty?",
        "```\n-- select\n> x\n--\n```\n\nWhy does this fail?",
        "Steps:\n-----\n1. open\n-----\nWhat is wrong?",
        "Name: Jo\nEmail: jo@example.org\nMessage: It fails.",
        "It is 12:30 and still:\nno answer.",
        "The mobile app is slow on my iPhone\n\nand on my iPad.",
        "I am on my iPhone",
        "Please read this message again, it was important.",
    ],
)
def test_what_people_write_themselves_stays(text):
    assert visible_reply(text) == text.strip()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("New.\n\n-- \nJo Doe\nAcme", "New."),
        ("New.\n--\nJo", "New."),
        ("New.\n\n—\nJo", "New."),
        ("New.\n\n_____________\nlist mailing list\nlist@example.org", "New."),
        ("New.\n\n-Jo Doe", "New."),
        ("New.\n\nThanks,\nJo", "New.\n\nThanks,\nJo"),
        ("New.\n\nCONFIDENTIALITY NOTICE: This e-mail is for its recipient\nalone.", "New."),
        ("New.\n\nThis email and any attachments are confidential and intended for you.", "New."),
        ("New.\n\nDiese E-Mail enthält vertrauliche Informationen.\n", "New."),
        ("New.\n\nVirus-free. www.example.org", "New."),
        ("> only\n> quoted", "> only\n> quoted"),
        ("--\nJo", "--\nJo"),
        ("Sent from my iPhone", "Sent from my iPhone"),
        ("On 6/15/16 8:42 PM, Jo wrote:\n> it", "On 6/15/16 8:42 PM, Jo wrote:\n> it"),
        (" \n\n", ""),
        ("", ""),
        (
            "Hi,\n\nOn 6/15/16 8:42 PM, Jo wrote:\n> One?\nYes.\n> Two?\nNo.\n> Three?",
            "Hi,\n\n> One?\nYes.\n> Two?\nNo.",
        ),
        ("On 6/15/16 8:42 PM, Jo wrote:\n> One?\nYes.\n> Two?\nNo.", "> One?\nYes.\n> Two?\nNo."),
        ("---------- Forwarded message ---------\nFrom: Jo\nDate: 15 Jun 2016\nSubject: x\nTo: y\n\nHelp!", "Help!"),
        ("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nNew.\n-----BEGIN PGP SIGNATURE-----\n\nx\n", "New."),
        ("New.\n\n> quoted\n> below\n\nSent from my iPhone", "New."),
        ("New.\r\n\r\nOn 6/15/16 8:42 PM, Jo wrote:\r\n> it\r\n", "New."),
    ],
)  # fmt: skip
def test_what_is_left_of_a_reply(text, left):
    assert visible_reply(text) == left
