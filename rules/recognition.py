"""Recognition of the product of an order: intravenous immunoglobulin, possibly that, or something else.

The sequence is fixed: look-alikes, then route and brand, then code, then words. Whether the order still
stands (new, held, cancelled) is decided elsewhere, from the order control.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from clinical.clauses import clauses, told_beside
from clinical.codes import Coding
from rules.codes import Codes, coding_of_words
from rules.free_text import FreeText

ProductClass = Literal["ivig", "possible_ivig", "scig", "lookalike", "other"]
SmallCounts = Literal["never", "for a grave history", "always"]
Dosed = Literal["", "by volume", "in grams"]  # how an amount of at least 1 g was ordered: worked out, or said

IVIG = "intravenous-immunoglobulin"
DUAL = "immunoglobulin-dual-route"
ANY_ROUTE = "immunoglobulin-any-route"
BROAD = "immunoglobulin-broad"
SCIG = "subcutaneous-immunoglobulin"
LOOKALIKE = "immunoglobulin-lookalikes"
PRODUCT_SETS = frozenset({IVIG, DUAL, ANY_ROUTE, BROAD, SCIG, LOOKALIKE})
_FOR_THE_VEIN = frozenset({IVIG, DUAL, ANY_ROUTE})
CONTRADICTED = "named-beside-another"  # in another clause the words name a look-alike, or one for under the skin
_UNDER_THE_SKIN = re.compile(
    r"\b(?:sub-?[ck]ut\w*|onderhuids\w*|sous[- ]?cutan\w*|sottocut\w*|s\.c\.|sc)(?!\w)", re.IGNORECASE
)
_ROUTES = {"route-intravenous": "IV", "route-subcutaneous": "SC", "route-intramuscular": "IM"}


@dataclass(frozen=True, slots=True)
class Product:
    """The product of an order, and how it was recognised."""

    product_class: ProductClass
    brand: str = ""
    route: str = ""  # IV, SC, IM, "" when not told
    why: str = ""
    flags: tuple[str, ...] = ()  # route_contradicts_product, code_contradicts_text
    small_counts: SmallCounts = (
        "always"  # of possible IVIg: whether a dose that is too small to settle it is judged too
    )

    @property
    def is_ivig(self) -> bool:
        """Whether the rules evaluate it, or may, depending on the dose."""
        return self.product_class in ("ivig", "possible_ivig")


def recognise(
    codes: Codes, words: FreeText, codings: Iterable[Coding], text: str, routes: Iterable[Coding], dosed: Dosed = ""
) -> Product:
    """Recognise the product from a set of codes, a drug text, the routes and how it is dosed."""
    codings = tuple(codings)
    known_by = (*codings, coding_of_words(text)) if text else codings
    coded: frozenset[str] = frozenset().union(*(codes.sets_of(coding) for coding in known_by))
    texts = [each.replace("_", " ") for each in (text, *(coding.display for coding in codings))]
    named = words.sets_named(" ".join(texts)) & PRODUCT_SETS
    route = route_of(codes, words, routes)
    brand = codes.brand_of(codings, text)
    if named & _FOR_THE_VEIN and not coded & PRODUCT_SETS:
        is_coded = any(coding.system in _SPOKEN for coding in codings)
        parts = {_part_of_it(words, each, dosed, is_coded=is_coded) for each in texts if each}
        if parts == {"beside"}:
            return Product("other", route=route, why="another medicine, given with an immunoglobulin")
        if "ordered" not in parts and route in ("", "IV"):
            why = "named after another medicine"
            return Product("possible_ivig", brand, route, why, ("code_contradicts_text",), "never")
    if route in ("", "IV") and named & {LOOKALIKE, SCIG} and named & _FOR_THE_VEIN:
        named = _named_apart(words, texts) or named
        if LOOKALIKE in named and _is_surely_for_the_vein(" ".join(texts), named, brand):
            named = named - {LOOKALIKE} | {CONTRADICTED}
    return _judge(coded & PRODUCT_SETS, named, route, brand)


_Part = Literal["beside", "doubtful", "ordered"]


def _part_of_it(words: FreeText, text: str, dosed: Dosed, *, is_coded: bool) -> _Part:
    """Return the part of an immunoglobulin in a text: ordered, or only what another drug goes with.

    The other drug has a code, or is one that is given around an infusion. Only a word such as "bij" or "na" directly
    before the immunoglobulin says that the drug goes with it; a comma does not.
    """
    ordered, told = told_beside(text)
    own = words.sets_named(ordered) & PRODUCT_SETS
    is_another = LOOKALIKE in own or is_coded or _GIVEN_AROUND.search(ordered)
    if own - {LOOKALIKE} or not ordered.strip() or not is_another or _GRAMS.search(text[len(ordered) :]):
        return "ordered"
    # "Anti-D (Rh0) immunoglobulin" is one product: beside a look-alike only a name for the vein alone counts.
    counting = _FOR_THE_VEIN - {ANY_ROUTE} if LOOKALIKE in own else _FOR_THE_VEIN
    named = [place for place, (_, clause) in enumerate(told) if words.sets_named(clause) & counting]
    if not named:
        return "doubtful" if words.sets_named(text) & counting else "beside"
    has_dose = _OF_AN_ORDER.search("".join(clause for _, clause in told[named[0] :])) is not None
    has_own_grams = is_coded or _DOSED_IN_GRAMS.search(ordered)
    if all(_goes_before(words, told, place) for place in named):
        return "doubtful" if has_dose or (dosed == "in grams" and not has_own_grams) else "beside"
    if is_coded and not (has_dose or dosed):
        return "beside"
    return "ordered" if not is_coded and (has_dose or (dosed and not has_own_grams)) else "doubtful"


def _goes_before(words: FreeText, told: list[tuple[str, str]], place: int) -> bool:
    """Return whether a word directly before an immunoglobulin says that another drug goes with it."""
    before, clause = told[place]
    if _IS_PREMEDICATION.fullmatch("".join(f"{begins}{each}" for begins, each in told[place + 1 :])):
        return True  # "Clemastine (IVIg premedicatie)"
    first, second = (*_LITTLE.sub("", clause).split(maxsplit=2), "", "")[:2]
    name = f"{first} {second}" if first.lower() in _HALF_A_NAME else first
    return bool(_GOES_WITH.fullmatch(before)) and bool(words.sets_named(name) & _FOR_THE_VEIN)


def _is_surely_for_the_vein(text: str, named: frozenset[str], brand: str) -> bool:
    """Return whether words of a look-alike are not enough: a name for the vein alone, or 5 g, stands beside them."""
    is_a_brand = bool(brand) and SCIG not in named and bool(named & {IVIG, DUAL})
    return is_a_brand or bool(_IVIG_ITSELF.search(text) or _FIVE_GRAMS.search(text))


_SPOKEN = frozenset({"ATC", "RXNORM"})
_GRAMS = re.compile(r"[0-9]\s?(?:g|gr|gram\w*|gm)\b|g/kg", re.IGNORECASE)
_FIVE_GRAMS = re.compile(
    r"(?<![0-9.,])(?:[5-9]|[1-9][0-9]{1,2})(?:[.,][0-9]+)?\s?(?:g|gr|gram\w*|gm)\b(?!/)|(?<!m)g/kg", re.IGNORECASE
)
_OF_AN_ORDER = re.compile(  # beside the name of an immunoglobulin: its amount, or that it comes next
    r"[0-9]\s?(?:ml|cc|%)|[0-9][0-9.,]*[0-9]{3}\s?mg\b|\b(?:vials?|flac\w*|flessen|fles|bottles?|durchstech\w*)\b"
    r"|\b(?:volgens|per|as per|nach) (?:\w+ )?protoco\w*|\bprotokoll\w*"
    r"|\b(?:dan|daarna|vervolgens|gevolgd door|hierna|then|followed by|next|danach|dann|anschlie\w*|gefolgt von"
    r"|puis|ensuite|suivi\w*|luego|seguido|poi|seguito)\b",
    re.IGNORECASE,
)
_GOES_WITH = re.compile(
    r"bij|voor|na|tijdens|rond|voorafgaand|tbv|t\.b\.v\.|ten behoeve van|ivm|i\.v\.m\.|wegens|vanwege|geen|ipv"
    r"|i\.p\.v\.|in plaats van|pre-?medic\w*|pre|before|prior|during|after|for|without|because|due to|no|vor|nach|bei"
    r"|f[uü]r|zur|wegen|ohne|kein\w*|statt|avant|pendant|apr[eè]s|pour|sans|antes|durante|despu[eé]s|tras|para|sin|prima|dopo|per"
    r"|senza",
    re.IGNORECASE,
)
_LITTLE = re.compile(  # between such a word and the name
    r"^(?:[\s-]|(?:aan|to|of|an|à|au|de|het|een|elke|iedere|each|every|the|any|der|die|dem|den|la|le|les|el|del|di|van|von"
    r"|start|toediening|administration|infusie|infusion|gift|kuur|intraveneuze|normaal|normale|humaan|humane|human|normal)"
    r"(?=\s))+",
    re.IGNORECASE,
)
_HALF_A_NAME = frozenset({"ig", "i.g.", "iv", "i.v.", "gamma", "immune", "immuun"})
_IS_PREMEDICATION = re.compile(r"pre-?medic\w*\W*", re.IGNORECASE)
_IVIG_ITSELF = re.compile(r"(?<![a-z])(?:iv[- ]?igg?|i\.v\.[- ]?igg?)(?![a-z])", re.IGNORECASE)
_DOSED_IN_GRAMS = re.compile(r"paracetamol|acetaminoph|metamizol|methylpred|solu-?medrol|albumin", re.IGNORECASE)
_GIVEN_AROUND = re.compile(
    r"clemastin|tavegil|tavegyl|paracetamol|acetaminoph|hydrocortison|prednison|prednisolon|dexamethason|methylpred"
    r"|solu-?medrol|di(?:ph|f)enh[iy]dramin|benadryl|cetirizin|dimetind|fenistil|ondansetron|metoclop|ibuprofen"
    r"|\bnacl\b|sodium chloride|natriumchlorid|physiolog|fysiolog|glucose|dextrose|ringer|hydra?tation|hydrati|spoel"
    r"|flush|infus(?:ie)?set|infuussysteem|heparin|enoxaparin|nadroparin|dalteparin|fraxiparin|furosemid",
    re.IGNORECASE,
)


def _named_apart(words: FreeText, texts: Iterable[str]) -> frozenset[str]:
    """Return what names an immunoglobulin in a clause that names nothing else: "IVIg, cave anti-D" is not anti-D."""
    for text in texts:
        for clause in clauses(text, of_a_name=True):
            if IVIG in (named := _named_alone(words, clause)):
                return named
        first, *others = clauses(text) or [""]
        if others and (named := _named_alone(words, first)) & _FOR_THE_VEIN:
            return named
    return frozenset()


def _named_alone(words: FreeText, clause: str) -> frozenset[str]:
    named = words.sets_named(clause) & PRODUCT_SETS
    is_alone = not named & {LOOKALIKE, SCIG} and not _UNDER_THE_SKIN.search(clause)
    return named | {CONTRADICTED} if is_alone else frozenset()


def route_of(codes: Codes, words: FreeText, routes: Iterable[Coding]) -> str:
    """Return IV, SC or IM; with several routes an intravenous one counts."""
    found: set[str] = set()
    for coding in routes:
        # A route often comes without the name of its code system, and a method of administration in its place.
        guesses = (coding, *(Coding(system, coding.code) for system in ("HL70162", "HL70165", "SNOMED")))
        names = frozenset().union(*(codes.sets_of(guess) for guess in guesses))
        if not names & _ROUTES.keys():
            names = words.sets_named(coding.display or coding.code)
        found.update(_ROUTES[name] for name in names & _ROUTES.keys())
    return next((route for route in ("IV", "SC", "IM") if route in found), "")


def _judge(coded: frozenset[str], named: frozenset[str], route: str, brand: str) -> Product:
    if LOOKALIKE in coded:
        return Product("lookalike", route=route, why="the code is of a look-alike")
    if LOOKALIKE in named and IVIG in coded:
        return Product("possible_ivig", brand, route, "code of IVIg, words of a look-alike", ("code_contradicts_text",))
    if LOOKALIKE in named:
        return Product("lookalike", route=route, why="the words name a look-alike")
    names = coded | named
    if CONTRADICTED in named and SCIG not in coded:
        why = "named, and another product in another clause"
        return Product("possible_ivig", brand, route, why, ("code_contradicts_text",))
    if not names:
        return Product("other", route=route, why="neither code nor words name an immunoglobulin")
    if SCIG in names:
        return _subcutaneous(coded, route, brand)
    if route in ("SC", "IM"):
        return _given_elsewhere(named, coded, route, brand)
    if IVIG in names:
        return Product("ivig", brand, route or "IV", "code or brand of IVIg")
    if route == "IV" and names & {DUAL, ANY_ROUTE}:
        return Product("ivig", brand, route, "immunoglobulin, given intravenously")
    if route == "IV":
        return Product("possible_ivig", brand, route, "immunoglobulin by a broad code, given intravenously")
    # A code or a brand is of a product for the vein too; words alone name any immunoglobulin.
    small_counts: SmallCounts = "for a grave history" if coded or DUAL in names else "never"
    return Product("possible_ivig", brand, route, "immunoglobulin, route not told", (), small_counts)


def _subcutaneous(coded: frozenset[str], route: str, brand: str) -> Product:
    contradicts = route == "IV" or (IVIG in coded and route == "")
    if contradicts:
        flags = ("route_contradicts_product",)
        if route == "IV":
            return Product("possible_ivig", brand, route, "subcutaneous product, ordered intravenously", flags)
        return Product("possible_ivig", brand, route, "codes of both kinds", flags, "for a grave history")
    return Product("scig", brand, route, "subcutaneous or intramuscular product")


def _given_elsewhere(named: frozenset[str], coded: frozenset[str], route: str, brand: str) -> Product:
    iv_only_brand = bool(brand) and DUAL not in named | coded
    if iv_only_brand:
        return Product(
            "ivig", brand, route, "brand for intravenous use only, other route sent", ("route_contradicts_product",)
        )
    return Product("scig", brand, route, "normal immunoglobulin, given subcutaneously or intramuscularly")
