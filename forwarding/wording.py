"""The few words a notice is written in."""

from forwarding.notice import Notice

_TIER = {
    "nl": {
        "contraindication": "Contra-indicatie",
        "high": "Hoog risico",
        "moderate": "Matig risico",
        "information": "Ter informatie",
        "none": "Geen signaal",
    },
    "en": {
        "contraindication": "Contraindication",
        "high": "High risk",
        "moderate": "Moderate risk",
        "information": "For information",
        "none": "No signal",
    },
}
_PRIORITY = {
    "nl": {"urgent": "spoed", "prompt": "vandaag", "routine": "gewoon", "passive": "passief", "none": "geen"},
    "en": {"urgent": "urgent", "prompt": "prompt", "routine": "routine", "passive": "passive", "none": "none"},
}
_KIND = {
    "nl": {"raised": "nieuw", "changed": "gewijzigd", "escalated": "nog niet gezien", "resolved": "vervallen"},
    "en": {"raised": "new", "changed": "changed", "escalated": "not seen yet", "resolved": "resolved"},
}
_STREAM = {
    "nl": {"order": "opdracht", "pharmacovigilance": "na infusie"},
    "en": {"order": "order", "pharmacovigilance": "after infusion"},
}
_LABELS = {
    "nl": ("Signaal", "Over", "Ernst", "Urgentie", "Afdeling", "Lees de reden en handel af", "onbekend"),
    "en": ("Alert", "About", "Tier", "Priority", "Ward", "Read why and settle it", "unknown"),
}
_FOOT = {
    "nl": "Dit bericht bevat geen patiëntgegevens. Antwoorden op deze mail worden niet gelezen.",
    "en": "This message holds no patient data. Replies to this mail are not read.",
}


def subject(notice: Notice) -> str:
    """Say what happened, how serious it is and where: `[IVIg] Contra-indicatie, spoed, C4NEU (nieuw)`."""
    words = notice.language
    after = "" if notice.stream == "order" else _STREAM[words][notice.stream]
    said = [_TIER[words][notice.tier], _PRIORITY[words][notice.priority], after, notice.ward]
    return f"[IVIg] {', '.join(part for part in said if part)} ({_KIND[words][notice.kind]})"


def text(notice: Notice) -> str:
    """Say the same in lines, with the link."""
    words = notice.language
    alert, about, tier, priority, ward, read, unknown = _LABELS[words]
    return (
        f"{alert}: {_KIND[words][notice.kind]}\n"
        f"{about}: {_STREAM[words][notice.stream]}\n"
        f"{tier}: {_TIER[words][notice.tier]}\n"
        f"{priority}: {_PRIORITY[words][notice.priority]}\n"
        f"{ward}: {notice.ward or unknown}\n\n"
        f"{read}:\n{notice.link}\n\n"
        f"-- \n{_FOOT[words]}\n"
    )
