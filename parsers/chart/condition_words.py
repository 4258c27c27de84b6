"""Words for the outcome of a problem (PRB-13, PRB-14) and the certainty of a diagnosis (DG1-6, German codes). Data."""

import re
from typing import Literal

from clinical.events import Certainty

Status = Literal["active", "resolved", "inactive", "error", "refuted", "suspected", "confirmed"]


def _words(words: str) -> re.Pattern[str]:
    return re.compile(r"(?<![\w-])(?:" + words + r")(?!\w)", re.IGNORECASE)


# Wide on purpose: the text itself is read with the rules, like all other text.
THROMBOSIS = re.compile(
    r"\b(?:dvt|vte|tvt|tvp|tev|mtev|cvst|(?-i:PE|LE|EP|LAE|TEP|TEV|PTE|ZŻG))\b|th?romb[oó](?!cyt|pen|zyt|cit)"
    r"|th?romb-?[eé]mb|emb[oó]l|phl[eé]bit|fleb[ií]t|th?romb(?:us|i)(?!n)|\bclots?\b|bloedprop|stolsel|gerinnsel|caillot"
    r"|co[aá]gulo|blodprop|prop+(?:en)? i |laskimotuko|veritulp|zakrzep|\bzator"
    r"|тромбо(?!ц|пен)|тромб[аы]?\b|[эе]мбол|тэла|\bтгв"
    r"|θρομβ|θρόμβ|εμβολ|血栓|塞栓|栓塞|혈전|색전|خثار|تخثر|جلطة|انصمام|פקקת|תסחיף|घनास्त्र|थ्रोम्ब|ลิ่มเลือด"
    r"|huyết khối|tắc mạch|thuyên tắc|\bI26\.\d|\bI80\.[12]\b|\bI82\.\d|\bO88\.2",
    re.IGNORECASE,
)

# The order matters: an entry made in error says nothing else; "inactive" must be found before "active".
STATUS_WORDS: tuple[tuple[Status, re.Pattern[str]], ...] = (
    (
        "error",
        _words(
            r"entered[- ]in[- ]error|in[- ]error|error\w*|deleted?|nullified|withdrawn|voided?|mistake|eie"
            r"|fout\w*|ingetrokken|vervallen|verwijderd|onterecht|abuis\w*"
        ),
    ),
    ("refuted", _words(r"refuted|ruled[- ]out|excluded|disproved|uitgesloten|verworpen|weerlegd|niet bevestigd")),
    (
        "suspected",
        _words(
            r"suspect\w*|provisional|differential|unconfirmed|presumed|probable|possible|working|likely|tentative"
            r"|verdenking|vermoed\w*|mogelijk|waarschijnlijk|werkdiagnose|onbevestigd|voorlopig"
        ),
    ),
    (
        "resolved",
        _words(r"resolved|closed|healed|cured|remission|opgelost|genezen|hersteld|afgesloten|beëindigd|remissie"),
    ),
    (
        "inactive",
        _words(
            r"inactive|history( of)?|past|dormant|inactief|niet[- ]actief|voorgeschiedenis|doorgemaakt|historisch|vg"
        ),
    ),
    (
        "active",
        _words(r"active|current|chronic|recurrence|relapse|ongoing|actief|actueel|chronisch|lopend|huidig|recidief"),
    ),
    ("confirmed", _words(r"conf(?:irmed)?|proven|final|definitive?|bevestigd|vastgesteld|zeker|definitief")),
)

# DG1-6, table 0052. An admitting diagnosis counts; a working diagnosis is a suspicion.
DIAGNOSIS_TYPES: dict[str, Certainty] = {"W": "suspected", "A": "confirmed", "F": "confirmed"}

# How sure a German diagnosis is (Diagnosesicherheit): a letter behind the code, before the side (R, L, B).
GERMAN_MARK = re.compile(r"(?P<code>[A-Z]\d\d(?:\.\d{1,2})?)-?\s?[!*+]?\s?(?P<mark>[AGVZ])(?:\s?[RLB])?", re.IGNORECASE)
GERMAN_CERTAINTIES: dict[str, Certainty] = {"A": "refuted", "G": "confirmed", "V": "suspected", "Z": "confirmed"}
