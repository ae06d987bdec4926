"""The people of a drill: who they are, how they reach us, what they say. Each carries a random token to be found by."""

import random
from dataclasses import dataclass

# Share of the flood by medium: mostly calls, as on the founding day.
MIX = {"phone": 0.7, "email": 0.2, "web": 0.1}
# What callers do once they have heard the message.
CALLER_HABITS = {"callback": 0.55, "listen": 0.45}
# Area codes whose 555-01xx numbers are set aside for fiction: 100 numbers each.
AREA_CODES = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 225 228 229 231 234 239 240 248 251 252 253 "
    "254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321 "
    "323 330 334 336 337 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419 423 425 "
    "432 434 435 440 443 469 478 479 480 484 501 502 503 504 505 507 508 509 510 512 513 515 516 517 518 520 530 540 "
    "541 551 559 561 562 563 567 570 571 573 574 580 585 586 601 602 603 605 606 607 608 609 610 612 614 615 616 617"
).split()
NUMBERS = len(AREA_CODES) * 100

FIRST_NAMES = (
    "Jane Amir Priya Kofi Marie Lars Ingrid Tomás Wei Aisha Jonas Elif Giulia Pieter Olga Noah Mia Sofia".split()
)
LAST_NAMES = "Whitfield Rahimi Nair Mensah Bouchard Lindqvist Olsen García Chen Diallo Weber Kaya Rossi Jansen".split()
MATTERS = (
    ("Cannot log in", "The login page turns and turns since this morning. Clients are waiting at reception."),
    ("Error 500", "Opening the calendar gives error 500. Tried two computers and two browsers, same result."),
    ("Calendar does not load", "We only see a spinner where the calendar should be. We have 40 appointments today."),
    ("Is it down?", "Is the system down? Nobody here can sign in, and the app says connection lost."),
    ("Anmeldung geht nicht", "Seit heute früh kann sich bei uns niemand anmelden. Bitte um Rückmeldung."),
    ("Impossible de me connecter", "La page de connexion tourne sans fin depuis ce matin. Êtes-vous au courant ?"),
    ("No puedo entrar", "No podemos entrar al sistema desde las ocho. ¿Cuándo estará solucionado?"),
)


@dataclass(frozen=True, slots=True)
class Contact:
    """One person of the drill. `habit` says what a caller does; empty for mail and web."""

    token: str
    medium: str
    name: str
    email: str
    number: str
    subject: str
    text: str
    habit: str = ""

    @property
    def call_sid(self) -> str:
        """A call's SID carries the token: CA and 32 hex digits."""
        return f"CA{self.token}"


def contact(index: int, medium: str, dice: random.Random) -> Contact:
    """The `index`-th person: addresses and numbers do not repeat within NUMBERS people."""
    token = f"{dice.getrandbits(128):032x}"
    name = f"{dice.choice(FIRST_NAMES)} {dice.choice(LAST_NAMES)}"
    subject, text = dice.choice(MATTERS)
    place = index % NUMBERS
    return Contact(
        token=token,
        medium=medium,
        name=name,
        # Each works somewhere else: most of a flood coming from one domain would be held for a robot's.
        email=f"{name.split()[0].lower()}@company-{token[:12]}.example".encode("ascii", "ignore").decode(),
        number=f"+1{AREA_CODES[place // 100]}55501{place % 100:02d}",
        subject=subject,
        text=f"{text}\n\nReference {token}",
        habit=pick(CALLER_HABITS, dice) if medium == "phone" else "",
    )


def people(count: int, dice: random.Random, mix: dict[str, float] = MIX) -> list[Contact]:
    """`count` people in this mix of media, starting at a random place of the number range."""
    start = dice.randrange(NUMBERS)
    return [contact(start + index, pick(mix, dice), dice) for index in range(count)]


def pick(shares: dict[str, float], dice: random.Random) -> str:
    """One key, drawn by its share."""
    return dice.choices(list(shares), weights=list(shares.values()))[0]
