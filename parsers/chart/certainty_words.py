"""The words that deny, doubt or confirm a diagnosis, or say that it is a relative's. Dutch and English."""

import re


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile(r"(?<!\w)(?:" + "|".join(patterns) + r")(?!\w)", re.IGNORECASE)


THROMBOSIS = re.compile(
    r"\b(?:dvt|vte|cvst|(?-i:PE|LE))\b|\w*trombo(?!cyt|pen)\w*|\w*thrombo(?!cyt|pen)\w*|\w*embol(?:ie|ism|us|y)\w*"
    r"|blood clot|bloedprop|stolsel",
    re.IGNORECASE,
)

SENTENCE_ENDS = re.compile(r"(?<=\w\w\w)(?<!\bfam)(?<!\bsusp)[.!]+\s+|\s*;\s*|\n+|(?<=\w\?)\s+")
CONTRASTS = _words(
    "maar", "but", "however", "echter", "wel", "behalve", "except", "although", "hoewel", "terwijl", "while"
)
CLAUSE_ENDS = re.compile(r",\s+|\s+-\s+")
CONNECTIVES = _words(
    "en", "of", "and", "or", "en/of", "and/or", "noch", "nor", "een", "a", "an", "any", "enige", "dan wel"
)

# What stands between a denial and the find, and ends its reach: "geen antistolling meer na DVT".
SCOPE_ENDS = _words(
    "na", "vanwege", "wegens", "door", "ivm", r"i\.v\.m\.", "sinds", "bij", "ondanks", "voorafgaand aan", "status na",
    "after", "because of", "due to", "following", "since", "despite", "secondary to", "given", "op basis van", "obv",
    r"(?:antistolling|anticoagula\w*|warfarine?|acenocoumarol|fenprocoumon|\w+xaban|dabigatran|heparine?|lmwh)"
    r"(?: \w+){0,3} (?:voor|for)",
)  # fmt: skip

REFUTED_BEFORE = _words(
    "geen", r"niet(?! alleen)", "zonder", "nooit", "noch", "afwezig", "afwezigheid van", "uitgesloten", "nihil",
    "no", r"not(?! only)", "without", "never", "denies", "denied", "ontkent", "negatieve?", "negative", "absence of",
    "onbekend met", "free of", "ruled out", "excluded", "neg",
)  # fmt: skip

REFUTED_AFTER = _words(
    "uitgesloten", "verworpen", "weerlegd", "negatief", "afwezig", "onwaarschijnlijk", "nee", "neen",
    "niet (?:aangetoond|bevestigd|waarschijnlijk|aanwezig|gezien|gevonden|aantoonbaar|vastgesteld)",
    "ontkend", "denied",
    "ruled out", "excluded", "refuted", "unlikely", "negative", "absent", r"no(?! (?!evidence|signs?|proof)\w)",
    r"is geen sprake van",
    "not (?:confirmed|seen|present|found|demonstrated|detected|identified|likely)", "foutief ingevoerd",
    "entered in error", r"\(-\)",
)  # fmt: skip

# "Geen recidief longembolie" and "no new DVT" are said of somebody who had one.
HISTORY_IMPLIED = _words(
    r"recidie\w*", r"nieuwe?", r"verdere?", r"toename", r"progressie\w*", r"uitbreiding", r"rest\w*", r"resterende",
    r"recurren\w*", "new", "further", "additional", r"progression", "residual", "extension", "tweede", "second",
    "another",
)  # fmt: skip

NOT_EXCLUDED = _words(
    r"(?:niet|onvoldoende|nog niet)(?: \w+){0,3} (?:uitgesloten|uit te sluiten|uitsluiten|verworpen)",
    r"(?:cannot|can not|could not|can't|not|never)(?: \w+){0,3} (?:ruled out|excluded?|rule out)",
)

CONFIRMED = _words(
    r"(?<!niet )bevestigde?", r"(?<!niet )aangetoonde?", "bewezen", "vastgestelde?", "gediagnosticeerde?",
    r"(?<!not )confirmed", "proven", r"(?<!not )demonstrated", "diagnosed", "known", "bekende?(?: met)?",
    "doorgemaakte?", "status na",
)  # fmt: skip

_SUSPECTED = _words(
    "susp",
    r"verdenking\w*", r"verdacht\w*", r"vermoed\w*", "mogelijke?", "waarschijnlijke?", "eventuele?", "werkdiagnose",
    r"differentiaal\w*", "ddx?", r"suspect\w*", "suspicion", "possibl[ey]", "probabl[ey]", r"presum\w+", "question of",
    "concern for", "concerning for", "likely", "maybe", "misschien", "cave", "analyse", "uitsluiten", "uit te sluiten",
    "rule[- ]out", "r/o", "exclude", r"evaluat\w+", "onderzoek naar", "work-?up", "s/o", "denk aan",
    "beeld passend bij", "kan passen bij",
)  # fmt: skip
SUSPECTED = re.compile(_SUSPECTED.pattern + r"|\?", re.IGNORECASE)

_RELATIVE = _words(
    r"fam(?:ilie\w*|ily|iliair\w*|ilial)?", "fa", "vader", "moeder", r"broers?(?:je)?", "zus(?:sen|ter|je)?",
    "ouders?", "oom", "tante", "opa", "oma", "grootvader", "grootmoeder", "grootouders?", "neef", "nicht",
    "dochter", "zoon", r"(?:half|tweeling)(?:broer|zus)", "kleinzoon", "kleindochter", "familielid", "verwante?",
    "father", "mother", "brothers?", "sisters?", "siblings?", "parents?", "grandfather", "grandmother",
    "grandparents?", "uncle", "aunt", "daughter", "son", "relatives?", "cousins?", r"(?:1e|eerste)[- ]?graads\w*",
    "first[- ]degree", "fhx?", "nephew", "niece", "half-?(?:brother|sister)",
)  # fmt: skip
# Not a relative who only tells of the patient, or was born then: "dochter meldt longembolie", "DVT na geboorte zoon".
FAMILY = re.compile(
    r"(?<!volgens )(?<!volgens de )(?<!according to )(?<!gemeld door )(?<!reported by )(?<!woont bij )"
    r"(?<!geboorte )(?<!geboorte van )(?<!bevalling )(?<!bevalling van )(?<!birth of )"
    + _RELATIVE.pattern
    + r"(?! (?:meldt|vertelt|zegt|geeft aan|belt|reports?|says|states|tells)(?!\w))",
    re.IGNORECASE,
)

NOT_A_DIAGNOSIS = _words(
    r"\w*profyla\w+", r"prophyla\w+", "preventie", "prevention", "risico(?: op| van)?", "risk (?:of|for)", "kans op",
    "screening", r"trombosedienst", r"trombosescore", "wells", r"voorlichting",
)  # fmt: skip
