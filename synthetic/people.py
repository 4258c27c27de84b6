"""People who do not exist: names that could be Dutch, numbers that are never issued."""

import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FAMILIES = _words(
    "Achterberg Aalders Bakkenes Beukers Boersma Brandsma Buitink Cornelissen Dekkinga Dijkhuizen Doornbos Drost "
    "Eekhoorn Elzinga Feenstra Fokkema Groeneveld Haverkort Heemskerk Hofstede Hoekzema IJpma Jaarsma Kamphuis "
    "Kloosterman Koolhaas Kruiswijk Kwakkel Langedijk Leeflang Lindeboom Meerdink Molenaar Nieuwkoop Noordhof "
    "Oldenhof Oosterling Paalman Ploegsma Postmus Reitsema Rietveld Roosenboom Schaapman Schuitemaker Sikkema "
    "Spaargaren Steenhuis Terpstra Timmerhuis Uitdehaag Veldkamp Vermeulen Vliegenthart Waterlander Weeninck "
    "Wiersinga Zandstra Zijlmans Zoetemelk Coëlho Réviusz"
)
GIVEN = {
    "F": _words(
        "Aaltje Baukje Cornelia Dieuwke Elske Femke Geertje Hiske Ingeborg Janneke Karlijn Liesbeth Machteld "
        "Neeltje Olga Petra Renée Saskia Trijntje Ursula Veerle Wietske Yfke Zoë"
    ),
    "M": _words(
        "Arjen Bouke Cees Durk Evert Folkert Gijsbert Hidde Ids Jelle Koert Lubbert Menno Nanne Okke Pier Quirijn "
        "Roelof Sjoerd Teun Ubel Volkert Wubbo Ype"
    ),
}


@dataclass(frozen=True, slots=True)
class SyntheticPerson:
    """One patient of the hospital."""

    number: str  # the hospital's own
    bsn: str  # citizen service number, "" when not known
    family: str
    given: str
    sex: str
    born: date | None


def dice(*seed: object) -> random.Random:
    """Return a die that always falls the same way for the same seed."""
    return random.Random(":".join(map(str, seed)))  # noqa: S311  # it makes up patients, not secrets


@cache
def bsns() -> tuple[str, ...]:
    """Return every number that begins with 99995 to 99999 and passes the eleven-test."""
    numbers = []
    for stem in range(99995000, 100000000):
        check = sum(weight * int(digit) for weight, digit in zip(range(9, 1, -1), str(stem), strict=True)) % 11
        if check < 10:
            numbers.append(f"{stem}{check}")
    return tuple(numbers)


def invent(index: int, sex: str, age: int | None, now: datetime) -> SyntheticPerson:
    """Make up a person; the same index gives the same name and numbers. `age` holds from 100 days ago until now."""
    die = dice("person", index)
    born = None
    if age is not None:
        born = (now - timedelta(days=round(age * 365.2425) + die.randrange(120, 300))).date()
    return SyntheticPerson(
        number=f"{2_000_000 + index}",
        bsn=bsns()[index] if index < len(bsns()) else "",
        family=die.choice(FAMILIES),
        given=die.choice(GIVEN.get(sex, GIVEN["F"] + GIVEN["M"])),
        sex=sex,
        born=born,
    )
