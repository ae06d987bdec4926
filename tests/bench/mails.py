"""Mails as customers write them in a flood: text and HTML, each from somebody else, at many companies."""

from email.message import EmailMessage

WORDS = [
    "The system has been down since this morning and none of us can log in.",
    "I cannot reach my projects. Is there an outage? We have a deadline at noon.",
    "All pages answer with an error 500, also for my colleagues in Lyon.",
    "Please call me back. We pay for this and nothing works.",
]


def a_mail(round_: int, number: int) -> bytes:
    message = EmailMessage()
    who = f"p{number}.{round_}"
    message["From"] = f"Person {number} <{who}@company{number % 97}-{round_}.example.net>"
    message["To"] = "Support <support@example.com>"
    message["Subject"] = f"Problem {number}"
    message["Date"] = "Sun, 01 Mar 2026 12:00:00 +0000"
    message["Message-ID"] = f"<{who}.1@mail.example.net>"
    text = f"Hello,\n\n{WORDS[number % len(WORDS)]}\nOur number is {number}.\n\nBest regards\nPerson {number}\n"
    message.set_content(text)
    message.add_alternative("<p>" + text.replace("\n\n", "</p><p>") + "</p>", subtype="html")
    return message.as_bytes()
