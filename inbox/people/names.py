"""Names of accounts: one line that can be read, and that nobody takes for another's in the record."""

import unicodedata


def spelled(typed: str) -> str:
    """Return a name as it is kept: without blanks around it, and an accent as one sign with its letter (NFC)."""
    return unicodedata.normalize("NFC", typed).strip()


def readable(text: str) -> str:
    """Return it on one line, with blanks in place of signs that cannot be seen."""
    seen = "".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in spelled(text))
    return " ".join(seen.split())


def look(name: str) -> str:
    """Return what two names have in common that a reader takes for one: capitals, ligatures and wide letters aside."""
    return unicodedata.normalize("NFKC", readable(name)).casefold()
