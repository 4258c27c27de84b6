"""A patient whose every detail is odd enough to be found wherever it should not be."""

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

NOW = datetime.now(UTC)
WORDS = {  # each stands in the messages below, and in no other text of ours
    "family name": "Zwaluwstaartje",
    "given name": "Xanthippus",
    "partner's name": "Quastenbroek",
    "patient number": "7431962085",
    "citizen number": "999964783",
    "street": "Kwelderzandpad",
    "telephone": "0619283746",
    "doctor": "Vlinderhoeve",
    "problem in words": "kraakbeenschuring",
    "note in words": "duivenmelkerij",
    "reason in words": "sluiswachtersziekte",
    "result in words": "stroopwafelig",
    "visit": "V55512345",
}
BORN = ("19030207", "1903-02-07", "07-02-1903", "7-2-1903", "02/07/1903", "7 februari 1903", "7 Feb 1903")

PID = (
    "PID|1||7431962085^^^ZKHA^PI~999964783^^^NLMINBIZA^NNNLD||"
    "Zwaluwstaartje&&Zwaluwstaartje&&Quastenbroek^Xanthippus^^^^^L||19030207|M|||"
    "Kwelderzandpad 7^^Delfzijl^^9930AA^NL||0619283746\r"
    "PV1|1|I|C4NEU^12^2^ZKHA||||20012^Vlinderhoeve^Otto^^^^^^ZKHA|||||||||||V55512345\r"
)


def at(**before: float) -> str:
    """A moment so long ago."""
    return (NOW - timedelta(**before)).strftime("%Y%m%d%H%M%S+0000")


def msh(type_: str, control_id: str, version: str = "2.5") -> str:
    """The header of one message."""
    return (
        f"MSH|^~\\&|EPD|ZKHA|IVIGILANT|ZKHA|{at(minutes=2)}||{type_}|{control_id}|P|{version}|||||NLD|UNICODE UTF-8\r"
    )


def order(number: str, what: str = "J06BA02^immunoglobulins, normal human^ATC") -> str:
    """An order for IVIg with words in it that people wrote."""
    return (
        f"{PID}ORC|NW|{number}^EPD|||SC||||{at(minutes=9)}|||20012^Vlinderhoeve^Otto^^^^^^ZKHA\r"
        f"TQ1|1||Once|||||{at(minutes=1)}||R\r"
        f"RXO|{what}|40||g^gram^UCUM|||duivenmelkerij^sluiswachtersziekte\r"
        "NTE|1|P|Zwaluwstaartje: duivenmelkerij vanwege sluiswachtersziekte\r"
        "RXR|IV^Intravenous^HL70162\r"
        "OBX|1|NM|29463-7^Body weight^LN||80|kg^kilogram^UCUM|||||F\r"
    )


PROBLEM = (
    f"PRB|AD|{at(days=1)}|128053003^kraakbeenschuring^SCT|PRB7|||20240614|||DX|||"
    "CONF|ACTIVE|||Xanthippus duivenmelkerij\r"
    "NTE|1||duivenmelkerij\r"
)
RESULT = (
    f"OBR|1|||LAB^stroopwafelig^L|||{at(hours=1)}\r"
    f"OBX|1|NM|6301-6^INR^LN||stroopwafelig|{{INR}}^^UCUM|||||F|||{at(hours=1)}\r"
    "NTE|1|L|Zwaluwstaartje is stroopwafelig\r"
)
GOOD = (
    msh("ADT^A01^ADT_A01", "CANARY1") + f"EVN||{at(minutes=30)}\r" + PID + "DG1|1||I26.9^kraakbeenschuring^I10|||F\r",
    msh("PPR^PC1^PPR_PC1", "CANARY2") + PID + PROBLEM,
    msh("ORU^R01^ORU_R01", "CANARY3") + PID + RESULT,
    msh("OMP^O09^OMP_O09", "CANARY4") + order("955501"),
    msh("ADT^A08^ADT_A01", "CANARY5") + f"EVN||{at(minutes=3)}\r" + PID.replace("Kwelderzandpad 7", "Kwelderzandpad 8"),
)
ODD = (
    msh("OMP^O09^OMP_O09", "CANARY6", version="9.9") + order("955502"),  # a version that is refused
    msh("OMP^O09^OMP_O09", "CANARY7") + order("955503").replace("ORC|NW", "ORC|Zwaluwstaartje"),
    msh("OMP^O09^OMP_O09", "CANARY8") + order("955504").replace("|40|", "|duivenmelkerij|"),
    msh("ADT^A01^ADT_A01", "CANARY9") + PID.replace("7431962085^^^ZKHA^PI~", "").replace("999964783", ""),  # of nobody
    msh("QBP^Q11^QBP_Q11", "CANARY10") + PID,
    PID + PROBLEM,  # no header
)


def traces(texts: Iterable[bytes]) -> list[str]:
    """What of the patient can be found in these texts, also where base64 hides it."""
    whole = b"\n".join(texts)
    hidden = b"\n".join(_decoded(found) for found in re.findall(rb"[A-Za-z0-9+/]{24,}={0,2}", whole))
    searched = (whole + hidden).lower()
    wanted = [*WORDS.items(), *(("birth date", born) for born in BORN)]
    return sorted({name for name, word in wanted if word.lower().encode() in searched})


def _decoded(found: bytes) -> bytes:
    try:
        return base64.b64decode(found + b"=" * (-len(found) % 4))
    except binascii.Error:
        return b""
