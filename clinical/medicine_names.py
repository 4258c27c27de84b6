"""Names of medicines as people say them."""

import re
from itertools import takewhile
from typing import Final

BRIEF_NAME: Final = 3  # letters of a word that may be an abbreviation
# What a list of medicines puts behind the name: the strength, the form, the package.
_BEHIND_A_NAME = re.compile(
    r"\d.*|(?:film)?tab(?:s|l(?:et(?:ten|s|ta)?)?)?\.?|caps(?:ules?)?\.?|inj\w*\.?|inf(?:vlst|uus\w*|usie\w*|usion\w*)\.?"
    r"|dragees?|drank|druppels|wwsp|spuit|syringe|patroon|pen|flacon|vial|amp(?:ul|oule)?|poeder|powder|opl(?:ossing)?"
    r"|solution|susp(?:ensie|ension)?|pleister|patch|zetpil|mga|msr|fo",
    re.IGNORECASE,
)


def without_form(name: str) -> str:
    """Return a name in capitals without strength and form, the words of it in small letters.

    `NATRIUM HEPARINE INJVLST 5000IE/ML` is natrium heparine. A name that is not in capitals is as people wrote it.
    """
    first, *others = name.split() or [""]
    if not first.isupper():
        return name
    words = [first, *takewhile(lambda word: not _BEHIND_A_NAME.fullmatch(word), others)]
    return " ".join(word.lower() if len(word) > BRIEF_NAME else word for word in words).rstrip(",;:")
