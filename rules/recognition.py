"""Recognition of the product of an order: intravenous immunoglobulin, possibly that, or something else.

The sequence is fixed: look-alikes, then route and brand, then code, then words. Whether the order still
stands (new, held, cancelled) is decided elsewhere, from the order control.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from clinical.codes import Coding
from rules.codes import Codes, coding_of_words
from rules.free_text import FreeText

ProductClass = Literal["ivig", "possible_ivig", "scig", "lookalike", "other"]

IVIG = "intravenous-immunoglobulin"
DUAL = "immunoglobulin-dual-route"
ANY_ROUTE = "immunoglobulin-any-route"
BROAD = "immunoglobulin-broad"
SCIG = "subcutaneous-immunoglobulin"
LOOKALIKE = "immunoglobulin-lookalikes"
PRODUCT_SETS = frozenset({IVIG, DUAL, ANY_ROUTE, BROAD, SCIG, LOOKALIKE})
_ROUTES = {"route-intravenous": "IV", "route-subcutaneous": "SC", "route-intramuscular": "IM"}


@dataclass(frozen=True, slots=True)
class Product:
    """The product of an order, and how it was recognised."""

    product_class: ProductClass
    brand: str = ""
    route: str = ""  # IV, SC, IM, "" when not told
    why: str = ""
    flags: tuple[str, ...] = ()  # route_contradicts_product, code_contradicts_text

    @property
    def is_ivig(self) -> bool:
        """Whether the rules evaluate it, or may, depending on the dose."""
        return self.product_class in ("ivig", "possible_ivig")


def recognise(codes: Codes, words: FreeText, codings: Iterable[Coding], text: str, routes: Iterable[Coding]) -> Product:
    """Recognise the product from a set of codes, a drug text and the routes."""
    codings = tuple(codings)
    known_by = (*codings, coding_of_words(text)) if text else codings
    coded: frozenset[str] = frozenset().union(*(codes.sets_of(coding) for coding in known_by))
    named = words.sets_named(" ".join([text, *(coding.display for coding in codings)]).replace("_", " "))
    route = route_of(codes, words, routes)
    brand = codes.brand_of(codings, text)
    return _judge(coded & PRODUCT_SETS, named & PRODUCT_SETS, route, brand)


def route_of(codes: Codes, words: FreeText, routes: Iterable[Coding]) -> str:
    """Return IV, SC or IM; with several routes an intravenous one counts."""
    found: set[str] = set()
    for coding in routes:
        # A route often comes without the name of its code system.
        guesses = (coding, *(Coding(system, coding.code) for system in ("HL70162", "SNOMED")))
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
    return Product("possible_ivig", brand, route, "immunoglobulin, route not told")


def _subcutaneous(coded: frozenset[str], route: str, brand: str) -> Product:
    contradicts = route == "IV" or (IVIG in coded and route == "")
    if contradicts:
        why = "subcutaneous product, ordered intravenously" if route == "IV" else "codes of both kinds"
        return Product("possible_ivig", brand, route, why, ("route_contradicts_product",))
    return Product("scig", brand, route, "subcutaneous or intramuscular product")


def _given_elsewhere(named: frozenset[str], coded: frozenset[str], route: str, brand: str) -> Product:
    iv_only_brand = bool(brand) and DUAL not in named | coded
    if iv_only_brand:
        return Product(
            "ivig", brand, route, "brand for intravenous use only, other route sent", ("route_contradicts_product",)
        )
    return Product("scig", brand, route, "normal immunoglobulin, given subcutaneously or intramuscularly")
