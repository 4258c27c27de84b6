"""The words in PRB-13 and PRB-14 that say what became of a problem, and in DG1-6 how sure a diagnosis is. Data."""

import re
from typing import Literal

from clinical.events import Certainty

Status = Literal["active", "resolved", "inactive", "error", "refuted", "suspected", "confirmed"]


def _words(words: str) -> re.Pattern[str]:
    return re.compile(r"(?<![\w-])(?:" + words + r")(?!\w)", re.IGNORECASE)


# In this order: an entry made in error says nothing else; "inactive" comes before the "active" it does not mean.
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

# DG1-6, table 0052. An admitting diagnosis may be why somebody came, and counts; a working one is a suspicion.
DIAGNOSIS_TYPES: dict[str, Certainty] = {"W": "suspected", "A": "confirmed", "F": "confirmed"}
