"""Whether a drug looks like an immunoglobulin: only then may a strength that was not sent be assumed."""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from clinical.clauses import clauses
from clinical.codes import Coding

INTRAVENOUS_STRENGTHS = (Decimal(50), Decimal(100))  # mg/mL; every product for the vein is 5 % or 10 %
SUBCUTANEOUS_STRENGTHS = (Decimal(100), Decimal(200))
_SUBCUTANEOUS = "J06BA01"
_ATC = ("J06BA", "J06BB")

_NAMES = re.compile(
    r"\b(?:imm?une?|gam+a)\.?[- ]?glob(?:ul)?\b"
    r"|\b(?:im+uu?no?|in+mun[oe]?|gam+a)[- ]?gl(?:ob(?:ul)?)?\b(?! ?[aemd]\b)"
    r"|\bim+un[oe]?g?l?ob[a-z]{0,4}in(?:e[ns]?|s)?\b|\bglobulina in+mune|\bseroglobulina"
    r"|\bigg? [0-9]{1,2} ?%|\biv[- ]?im+uu?n[oe]?[- ]?glob"
    r"|venimmun|isiven\b|veinoglobulin|alphaglobin|gam+abulin|globuman\b|nordimmun|bharglob|bioglobulin|immuglo\b"
    r"|im+une serum globulin|carimune|clairyg|\biv-igg?\b|\bi\.?g\.?[- ]?vena"
    r"|im+u+n+[oe]?\s?-?globulin|in+mun[oe]?globulin|\bigg\b|\bivig(?![a-z])|\bivimm|\bi\.?v\.?i\.?g|\bscig\b"
    r"|\bigg?[- ]?i\.?v\.?(?!\w)|\bi\.v\.[- ]?igg?\b"
    r"|gam+a[- ]?globulin"
    r"|gam+agard|gam+aked|gam+aplex|gam+anorm|nanogam|privigen|kiovig|gamunex|octagam|octanorm|flebogam|intratect"
    r"|panzyga|i[qg]ymune|bivigam|asceniv|yimmugo|alyglo|qivigy|hizentra|cuvitru|cutaquig|xembify|hyqvia"
    r"|sandoglobulin"
    r"|ig\s?vena|intraglobin|multigam|multigram|plangam|gamimune|intragam|tegelin|aragam|\bvigam|venital|endobulin"
    r"|gammonativ|humaglobin|redimune|immunovenin|bioven\b|gabriglobin|venoglobulin|glovenin|venilon"
    r"|sanglopor|polyglobin"
    r"|i\.?v\.?[- ]?globulin|liv[- ]?gamma|normoglobin|immunorel|iviglob|globucel|purimmun|polygam"
    r"|panglobulin|iveegam"
    r"|im+[uüū]+n[oea]?[-_ ]?gl[oó]bul[iíī]+n|имм?уно-?глобулин|імуноглобулін|имм?уновенин|б[иі]овен"
    r"|октагам|привиджен"
    r"|ανοσοσφαιρ|免疫グロブリン|免疫球蛋白|静丙|グロベニン|グロブリン|ベニロン|면역\s?글로불린|글로불린|리브감마"
    r"|globiga|optiglobin|gam+apol\b|имбиоглобулин|\bglobulina humana|[γɣ]-?globulin|(?:ガンマ|[γɣ])[- ]?グロブリン"
    r"|pentaglobin|deqsiga|\b(?:human\w*|humaan|normal\w*) igg?\b"
    r"|\bigg? (?:human\w*|humaan|polyvalent\w*|normal\w*)\b"
    r"|იმუნოგლობულინ|իմունոգլոբուլին|ইমিউনোগ্লো?বিউ?লিন|ইমিউনোগ্লোবুলিন|இம்யூனோகுளோபுலின்"
    r"|\bónæmisgl[óo]b[úu]l[íi]n|丙球"
    r"|อิมมูโนโกลบุลิน|ไอวีไอจี|גלובולי[ןנ]"
    r"|אימונוגלובולי[ןנ]|لوبولين|ایم[یي]?ونوگلوبولین|امیونوگلوبولین|इम्यु?नोग्लोब|इम्यूनोग्लोब"
    r"|อิมมูโนโกลบูลิน|globulin miễn dịch",
    re.IGNORECASE,
)
_SPECIFIC = re.compile(
    r"anti-?\s?d\b|rhesus|rhophylac|rhedquin|tetan|hepatit|rabi[eë]s|hondsdol|varicella|botul"
    r"|anti-?thymocy|anti-?lymfocy"
    r"|thymoglobulin|digoxin|digifab|cytomegal|cytotect|megalotect|palivizumab"
    r"|^\W*omalizumab(?!.*(?:stop|sta[ak]k|\bivig|vervang|replace))|\(omalizumab\)"  # not `IVIg; stop omalizumab`
    r"|i[mn]+u?n\w*?globulin\w*[ -]e\b(?=\s*(?:$|[(;/,]|-?\s?anti|tota|gesamt|sp[eé][cz]|bepal|serum))"  # not `e.v.`
    r"|anti-?\s?rh\b|\brh[o]?[ -]*(?:\(d\))?[ -]*im+un|anti-?\s?hbs|h[eé]patite|epatite|rabi(?:que|c[ao])|antir+[aá]b"
    r"|tollwut|t[eé]tan|tetán|zoster|varizel|varicel|\bcmv[- ]*im+un|vaccinia|anthra|fsme|tick-?borne"
    r"|d(?:if|iph)th?er"
    r"|\brsv\b|antiven|thyr\w*[- ]stimul"
    r"|mono[ck]lon|\bsnake|slangen"
    r"|антирабич|антистолбн|антирезус|против (?:гепатита|столбняка|бешенства)|клещев"
    r"|乙肝|肝炎|破[伤傷][风風]|狂犬|抗\s?D|抗HBs"
    r"|b형\s?간염|파상풍|광견병|αντι-?d\b|αντιτεταν|נגד (?:צהבת|טטנוס|כלבת)|الكزاز|الكلب|الكبد",
    re.IGNORECASE,
)


def looks_like_immunoglobulin(codings: Sequence[Coding], text: str) -> bool:
    """Return whether a code or a name says normal human immunoglobulin, for the vein or under the skin."""
    if any(coding.code.upper().startswith(_ATC[0]) for coding in codings):
        return True
    if any(coding.code.upper().startswith(_ATC[1]) for coding in codings):
        return False  # a specific one: dosed in units
    return _looks_alike(text)


@lru_cache(maxsize=4096)
def _looks_alike(text: str) -> bool:
    text = text.replace("_", " ")
    if _NAMES.search(text) is None:
        return False
    return _SPECIFIC.search(text) is None or _is_named_apart(text)


def _is_named_apart(text: str) -> bool:
    """Return whether a specific immunoglobulin is only named beside another one: `IVIg, cave anti-D`."""
    if any(_FOR_THE_VEIN.search(each) and not _SPECIFIC.search(each) for each in clauses(text, of_a_name=True)):
        return True
    first, *others = clauses(text)
    return bool(others) and bool(_NAMES.search(first)) and not _SPECIFIC.search(first)


_FOR_THE_VEIN = re.compile(
    r"\bivig(?![a-z])|\bigiv\b|\biv-?ig\b|\bi\.v\.i\.g|privigen|kiovig|gamunex|octagam|nanogam|intratect"
    r"|panzyga|flebogam"
    r"|gam+agard|gam+aplex|i[qg]ymune|bivigam|ig ?vena|pentaglobin"
    r"|globulin\w*[^;,()]{0,20}\b(?:iv|i\.v\.|intraven\w*|e\.v\.|endoven\w*|infuus|infvlst)",
    re.IGNORECASE,
)


_DENIED = re.compile(
    r"\b(?:geen|nooit|zonder|no|not|never|without|kein\w*|nie|ohne|aucune?|pas|sans|sin|nessun\w*|senza"
    rf"|eerdere?|voorheen|previous(?:ly)?|prior)\s+(?:[\w-]+\s+){{0,2}}(?:{_NAMES.pattern})"
    r"|\b(?:niet|not|nicht)\s+(?:\w+\s+)?"
    r"(?:toegediend|gegeven|gestart|geïndiceerd|nodig|given|started|indicated|needed|gegeben)",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:in het verleden|gehad|gekregen|gestopt|gestaakt|in the past|received|stopped|discontinued"
    r"|(?:was|were|werd|is) (?:given|administered|toegediend|gegeven))",
    re.IGNORECASE,
)
_AGAIN = re.compile(r"hervat|herstart|opnieuw|restart|resum|continu", re.IGNORECASE)
_HOW_MUCH = re.compile(r"[0-9]\s?(?:m?g|gram|m?l)\b", re.IGNORECASE)


def is_named(text: str) -> bool:
    """Return whether words name an immunoglobulin to be given: no measurement of it, none denied or of the past."""
    if not _looks_alike(text) or _TEST.search(text) or _DENIED.search(text):
        return False
    return bool(_HOW_MUCH.search(text) or _AGAIN.search(text)) or not _PAST.search(text)


_TREATMENT = re.compile(
    r"\bivig(?![a-z])|\bigiv\b|\biv\b|\bi\.v\.|intraven|infus|infuus|perfus|transfus|toedien|administ"
    r"|verabreich|\bgabe\b"
    r"|applikat|treatment|traitement|tratam|trattam|administr|dagbehand|polyval|\binj|therap|behandel"
    r"|\bdose|dosis|[0-9]\s?%"
    r"|[0-9]\s?(?:m?g|gram|ml)\b",
    re.IGNORECASE,
)
_TEST = re.compile(
    r"bepaling|serum|level|spiegel|subkla|subcla|quant|kwant|electro|elektro|kappa|lambda|titer|antibod"
    r"|antistof|\btest"
    r"|assay|screen|\big[gamde]\b",
    re.IGNORECASE,
)
_CELLS = re.compile(
    r"erythro|erytro|red (?:blood )?cell|\brbc|packed|plasma|\bffp\b|platelet|thrombocyt|tromboc|cryo|granulocyt"
    r"|whole blood|volbloed|leuko|leuco|albumin|buffy|concentr[ae]*t eryth",
    re.IGNORECASE,
)


# What American infusion centres bill: HCPCS codes of immunoglobulin for the vein, and CPT 90283.
_BILLED = re.compile(r"J1(?:459|552|554|556|557|561|566|568|569|572|576|599)|90283")


def is_service(codings: Sequence[Coding], text: str) -> bool:
    """Return whether the service is to give immunoglobulin, rather than to measure it."""
    if any(coding.code.upper().startswith(_ATC[0]) or _BILLED.fullmatch(coding.code.upper()) for coding in codings):
        return True
    return _looks_alike(text) and bool(_TREATMENT.search(text)) and not _TEST.search(text)


_CARE = re.compile(
    r"infus|infuus|perfus|transfus|dagbehand|dagopname|\bday ?(?:care|unit|hospital|case)|behand(?:el|l)|therap"
    r"|treatment|traitement|trattament|tratam|toedien|administ|tagesklin|h[oô]pital de jour|hospital de d[ií]a",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def is_care(text: str) -> bool:
    """Whether a service is to treat somebody, and does not say with what: `infusion centre`, `day treatment`."""
    return _CARE.search(text) is not None and not _TEST.search(text)


@lru_cache(maxsize=4096)
def is_of_cells(text: str) -> bool:
    """Return whether a product of the blood bank is cells, plasma or albumin."""
    return bool(_CELLS.search(text)) and not _looks_alike(text)


_OF_NO_DRUG = re.compile(
    r"\b(?:see|zie|siehe|voir|vedi|ver|se|patrz|viz|comments?|opmerking(?:en)?|bemerkung(?:en)?|remarks?|not[ae]s?|tekst"
    r"|text|te[kx]t[ev]eld|commentaires?|toelichting|misc\w*|divers\w*|overige?|others?|autres?"
    r"|sonstige\w*|andere?s?|otr[oa]s?"
    r"|altr[oi]|annet|annan|vrije?|free|niet|in|lijst|list|special|speciaal"
    r"|bijzonder\w*|magistra\w*"
    r"|protocol\w*|protokol\w*|kuur|regimen|regime|order ?sets?|set|dag\w*|day\w*|op|maat|zorgpad"
    r"|behandel\w*|treatment"
    r"|dagbehandeling|afdeling|polikliniek|clinic|centrum|center|centre|default\w*|unknown|onbekend"
    r"|orders?|opdracht|voorschrift|prescriptions?|therap\w+|plan|geneesmiddel\w*"
    r"|medicat\w*|medic\w*|drugs?|infuus|infusie\w*|infusions?|bereiding|blood|bank"
    r"|bloedproduct\w*|the|de|het|der"
    r"|iv|i\.v\.|intraven\w+|per|via|volgens|according|below|onder|unten|formular|freitext|zonder|without|code"
    r"|dumm(?:y|ies)|placeholder|(?:niet[- ]?)?assortiments?\w*|buiten"
    r"|arti[ck](?:el\w*|les?|olo|ulos?)|items?|produ[ck]t\w*|produits?"
    r"|hors|livret|formulaire|r[ée]f[ée]renc[ée]\w*|m[ée]dicament\w*|sonder\w*|anforderung|haus(?:apotheke|liste)"
    r"|non|pas|nicht|gelistet\w*|arzneimittel\w*|pr[äa]eparat\w*|unlisted|off|not|on|formulary|manual|ad|hoc|custom"
    r"|instru[ck]ti\w*|instrucci\w+|istruzion\w*|anweisung\w*|consignes?|aanwijzing\w*|richtlijn\w*|vermelding\w*"
    r"|apothe(?:ek|ken?|ker\w*)|pharmac(?:y|ies|ie|ist\w*)|farmac(?:ia|eut\w*)|apotek\w*|bijlagen?|attach\w+|anlagen?|beilage|annexes?|anexos?|bilaga"
    r"|brief|letter|recept(?:en)?|rezept\w*|ordonnance|receta|ricetta|onderstaand\w*|hieronder|bijgaand\w*|als|zoals|as"
    r"|conform|selon|gem[äa]ss?|gemäß|laut|secondo|seg[uú]n|allegat\w+|nader|overleg|discussed|besproken|besprochen|siehe|unter|unten|ci|dessous|bas|more|details?"
    r"|entry|entries|fuera|gu[ií]a|libre|testo|texto|libero|handmatige?|fritext|fri|vapaa|teksti|wolny|eigen|invoer)\b",
    re.IGNORECASE,
)
_NAMED = re.compile(r"[^\W\d_]{3,}")


def says_elsewhere(codings: Sequence[Coding], text: str) -> bool:
    """Return whether the words of a drug only say that it is named elsewhere: `see comment`, `miscellaneous`."""
    if any(coding.system in ("ATC", "RXNORM") for coding in codings):
        return False
    return _names_no_drug(text)


@lru_cache(maxsize=4096)
def _names_no_drug(text: str) -> bool:
    return _NAMED.search(_OF_NO_DRUG.sub(" ", text.replace("_", " "))) is None


def usual_strengths(codings: Sequence[Coding]) -> tuple[Decimal, Decimal]:
    """Return the weakest and the strongest in mg/mL that such a product comes in."""
    if any(coding.code.upper() == _SUBCUTANEOUS for coding in codings):
        return SUBCUTANEOUS_STRENGTHS
    return INTRAVENOUS_STRENGTHS
