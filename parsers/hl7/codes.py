"""Codes and their systems: the senders' names for a system, and those of the knowledge."""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

from clinical.codes import Coding
from parsers.defaults import Defaults
from parsers.hl7.segments import Segment

# ours: the names, in table 0396, at Dutch senders and as object identifiers, that mean it
_NAMES = {
    "ICD10": "I10 ICD10 ICD-10 ICD10NL ICD-10-NL ICD10-NL ICD10WHO ICD-10-WHO ICD-10-GM I10G ICD10GM I10D CIM10 CIM-10"
    " 2.16.840.1.113883.6.3 2.16.840.1.113883.6.3.2 2.16.840.1.113883.6.3.1 http://hl7.org/fhir/sid/icd-10 http://hl7.org/fhir/sid/icd-10-nl"
    " http://fhir.de/CodeSystem/bfarm/icd-10-gm",
    "ICD10CM": "I10C ICD10CM ICD-10-CM ICD10-CM I10CM 2.16.840.1.113883.6.90 http://hl7.org/fhir/sid/icd-10-cm",
    "ICD10PCS": "I10P ICD10PCS ICD-10-PCS 2.16.840.1.113883.6.4 http://www.cms.gov/Medicare/Coding/ICD10",
    "ICD9": "I9 I9C I9CDX I9CD ICD9 ICD-9 ICD9CM ICD-9-CM I9CP ICD-9-CM-DX 2.16.840.1.113883.6.103"
    " 2.16.840.1.113883.6.104 2.16.840.1.113883.6.42 http://hl7.org/fhir/sid/icd-9-cm",
    "SNOMED": "SCT SNOMED SNOMEDCT SNOMED-CT SNM-CT SCT2 SCTNL 2.16.840.1.113883.6.96 http://snomed.info/sct",
    "LOINC": "LN LOINC LNC LN-NL 2.16.840.1.113883.6.1 http://loinc.org",
    "ATC": "ATC WC WHOATC WHO-ATC 2.16.840.1.113883.6.73 http://www.whocc.no/atc",
    "ZI": "ZI KNMP GS-ZI G-STANDAARD GSTANDAARD Z-INDEX ZINDEX GS 2.16.840.1.113883.2.4.4.8",
    "HPK": "HPK GS-HPK G-STANDAARD-HPK 2.16.840.1.113883.2.4.4.7",
    "PRK": "PRK GS-PRK G-STANDAARD-PRK 2.16.840.1.113883.2.4.4.10",
    "GPK": "GPK GS-GPK G-STANDAARD-GPK 2.16.840.1.113883.2.4.4.1",
    "GS750": "GS-750 SNK GS-SNK 2.16.840.1.113883.2.4.4.1.750",
    "GS7": "GS-7 2.16.840.1.113883.2.4.4.9",
    "GS6": "GS-6 2.16.840.1.113883.2.4.4.11",
    "GS40": "CI GS-CI TABEL40 TABEL-40 TABLE40 GS-40 G-STANDAARD-TABEL-40 2.16.840.1.113883.2.4.4.1.902.40",
    "DHD": "DHD DT DHD-DT DIAGNOSETHESAURUS DHDDIAGNOSETHESAURUS DHD-DIAGNOSETHESAURUS 2.16.840.1.113883.2.4.3.120.5.1",
    "DHDV": "DHDV VT DHD-VT VERRICHTINGENTHESAURUS 2.16.840.1.113883.2.4.3.120.5.2",
    "DBC": "DBC DBC-DIAGNOSE",
    "ICPC": "ICPC ICPC1 ICPC-1 ICPC1NL ICPC-1-NL ICPC-1NL ICPC-NL IC 2.16.840.1.113883.2.4.4.31.1"
    " http://hl7.org/fhir/sid/icpc-1 http://hl7.org/fhir/sid/icpc-1-nl",
    "ZA": "ZA ZORGACTIVITEIT NZA-ZA CTG 2.16.840.1.113883.2.4.6.2.1",
    "CVV": "CVV 2.16.840.1.113883.2.4.4.30.43",
    "RXNORM": "RXNORM RXN 2.16.840.1.113883.6.88 http://www.nlm.nih.gov/research/umls/rxnorm",
    "NDC": "NDC 2.16.840.1.113883.6.69 http://hl7.org/fhir/sid/ndc",
    "HCPCS": "HCPCS HCPT HCPCS-II 2.16.840.1.113883.6.14 2.16.840.1.113883.6.285",
    "CPT": "C4 CPT CPT4 CPT-4 2.16.840.1.113883.6.12 http://www.ama-assn.org/go/cpt",
    "CVX": "CVX 2.16.840.1.113883.12.292 http://hl7.org/fhir/sid/cvx",
    "EDQM": "EDQM 0.4.0.127.0.16.1.1.2.1 http://standardterms.edqm.eu",
    "UCUM": "UCUM 2.16.840.1.113883.6.8 http://unitsofmeasure.org",
    "ISO+": "ISO+ ISO",
}
_OURS = {name: ours for ours, names in _NAMES.items() for name in names.upper().split()}
NORMALISED = frozenset(_NAMES)
_GERMAN_ICD = re.compile(r"(?:ICD-?10|I10)-?GM?-?(?:20\d\d)?")  # of every year: I10G2004, ICD-10-GM-2026


def system_named(name: str, of_feed: Mapping[str, str] | None = None) -> str:
    """Return our name for the sender's; an unknown name is returned in capitals, so that a site can map it."""
    name = name.strip()
    if not name:
        return ""
    if of_feed and name in of_feed:
        return of_feed[name]
    key = name.upper().removeprefix("URN:OID:").replace(" ", "").replace("_", "-")
    if found := _OURS.get(key):
        return found
    if _GERMAN_ICD.fullmatch(key):
        return "ICD10"
    if key.startswith("HL7") and key[3:].isdigit():
        return "HL7" + key[3:].zfill(4)  # HL70162, HL70396: a table of the standard
    return key


@lru_cache
def address_of(system: str) -> str:
    """Return the address under which FHIR has a code system of ours, else its object identifier, or a local name."""
    names = _NAMES.get(system, "").split()
    address = next((name for name in names if name.startswith("http")), "")
    number = next((name for name in names if name[0].isdigit() and "." in name), "")
    if address or number:
        return address or f"urn:oid:{number}"
    return f"urn:ivigilant:code-system:{quote(system)}" if system else ""


_TRIPLETS = (0, 3, 9)  # where a triplet begins; the third is CWE's of 2.7
_ORIGINAL_TEXT = 8  # CWE-9


def read_codings(segment: Segment, field: int, defaults: Defaults, repetition: int = 1) -> tuple[Coding, ...]:
    """Return every code of one repetition with its system, in the order sent; words without a code are not a coding."""
    if repetition == 1 and not defaults.code_systems and (sent := segment.usual(field)):
        return _usual_coded(sent)[0]
    parts = segment.components(field, repetition)
    if defaults.code_systems:
        return _codings(parts, defaults.code_systems)
    return _standard_codings(parts)


@lru_cache(maxsize=2048)  # a laboratory sends the same hundred tests all day
def _standard_codings(parts: tuple[str, ...]) -> tuple[Coding, ...]:
    return _codings(parts, {})


def _codings(parts: tuple[str, ...], of_feed: Mapping[str, str]) -> tuple[Coding, ...]:
    codings: list[Coding] = []
    for start in _TRIPLETS:
        code = parts[start].strip() if start < len(parts) else ""
        if not code:
            continue
        display = parts[start + 1].strip() if start + 1 < len(parts) else ""
        system = system_named(parts[start + 2], of_feed) if start + 2 < len(parts) else ""
        coding = Coding(system=system, code=code, display=display)
        if coding not in codings:
            codings.append(coding)
    return tuple(codings)


def read_coded(segment: Segment, field: int, defaults: Defaults) -> tuple[tuple[Coding, ...], str]:
    """Return the codes of the first repetition, and everything it says in words."""
    if not defaults.code_systems and (sent := segment.usual(field)):
        return _usual_coded(sent)
    parts = segment.components(field)
    codings = _codings(parts, defaults.code_systems) if defaults.code_systems else _standard_codings(parts)
    return codings, _words(parts)


@lru_cache(maxsize=4096)
def _usual_coded(sent: str) -> tuple[tuple[Coding, ...], str]:
    parts = tuple(sent.split("^"))
    return _standard_codings(parts), _words(parts)


def read_diagnosed(segment: Segment, defaults: Defaults) -> tuple[Coding, ...]:
    """Return the codes of DG1-3 or PR1-3, whose system older senders put in the field before it."""
    codings = read_codings(segment, 3, defaults)
    if codings and not codings[0].system and segment.text(2):
        system = system_named(segment.text(2), defaults.code_systems)
        return (Coding(system=system, code=codings[0].code, display=codings[0].display), *codings[1:])
    return codings


def read_all_codings(segment: Segment, field: int, defaults: Defaults) -> tuple[Coding, ...]:
    """Return the codes of every repetition."""
    found: list[Coding] = []
    for repetition in range(1, segment.repetitions(field) + 1):
        found.extend(coding for coding in read_codings(segment, field, defaults, repetition) if coding not in found)
    return tuple(found)


def read_words(segment: Segment, field: int, repetition: int = 1) -> str:
    """Return everything the field says in words, each once: the displays, the original text, else the bare code."""
    if repetition == 1 and (sent := segment.usual(field)):
        return _usual_coded(sent)[1]
    return _words(segment.components(field, repetition))


@lru_cache(maxsize=2048)
def _words(parts: tuple[str, ...]) -> str:
    words: list[str] = []
    for index in (*(start + 1 for start in _TRIPLETS), _ORIGINAL_TEXT):
        word = parts[index].strip() if index < len(parts) else ""
        if word and word not in words:
            words.append(word)
    has_system = len(parts) > 2 and bool(parts[2].strip())
    if not words and parts and not has_system:
        words = [parts[0].strip()]
    return "; ".join(words)
