"""What the pharmacy can deliver. Local product numbers lie in 9999xxxx, which the G-Standaard leaves free."""

from dataclasses import dataclass

from synthetic.wire import SentCode

_IVIG = ("J06BA02", "immunoglobulins, normal human, for intravascular adm.")
_SCIG = ("J06BA01", "immunoglobulins, normal human, for extravascular adm.")


@dataclass(frozen=True, slots=True)
class Drug:
    """One product as an order names it."""

    code: SentCode
    form: str = "INF^Infusievloeistof^L"
    mg_per_ml: int = 0  # 0: not sent
    route: str = "IV"
    maker: str = ""


def _local(number: int, name: str, atc: tuple[str, str] | None, system: str = "GS-PRK") -> SentCode:
    return SentCode(f"9999{number:04d}", name, system, (*atc, "ATC") if atc else None)


# IVIg, in the ways a hospital writes it.
IVIG = Drug(_local(22, "IMMUNOGLOBULINE IV INFVLST 100MG/ML", _IVIG), mg_per_ml=100)
IVIG_LOCAL_ONLY = Drug(_local(23, "IMMUNOGLOBULINE IV INFVLST 50MG/ML", None), mg_per_ml=50)
PRIVIGEN = Drug(_local(101, "PRIVIGEN INFVLST 100MG/ML FLACON 100ML", _IVIG, "GS-HPK"), mg_per_ml=100, maker="CSL")
KIOVIG = Drug(_local(102, "KIOVIG INFVLST 100MG/ML FLACON 200ML", _IVIG, "GS-HPK"), mg_per_ml=100, maker="TAK")
OCTAGAM = Drug(_local(103, "OCTAGAM 10% INFVLST 100MG/ML", _IVIG, "GS-HPK"), mg_per_ml=100, maker="OCT")
FLEBOGAMMA = Drug(_local(104, "FLEBOGAMMA DIF INFVLST 50MG/ML", _IVIG, "GS-HPK"), mg_per_ml=50, maker="GRI")
GAMMAPLEX = Drug(_local(105, "GAMMAPLEX 5% INFVLST 50MG/ML", _IVIG, "GS-HPK"), mg_per_ml=50, maker="BPL")
NANOGAM = Drug(SentCode("", "Nanogam 100 mg/ml infusievloeistof", "L"), mg_per_ml=100, maker="PRT")
ATC_ONLY = Drug(SentCode(_IVIG[0], _IVIG[1], "ATC"), mg_per_ml=100)
BY_NAME = Drug(SentCode("", "Immuunglobuline normaal iv (IVIG)", "L"))

# Not IVIg, though the name says immunoglobulin or the vial looks alike.
HIZENTRA = Drug(
    _local(201, "HIZENTRA INJVLST 200MG/ML FLACON 20ML", _SCIG, "GS-HPK"), "INJ^Injectievloeistof^L", 200, "SC"
)
HYQVIA = Drug(_local(202, "HYQVIA INFVLST 100MG/ML", _SCIG, "GS-HPK"), mg_per_ml=100, route="SC")
GAMMAQUIN = Drug(_local(203, "GAMMAQUIN INJVLST 160MG/ML", _SCIG, "GS-HPK"), "INJ^Injectievloeistof^L", 160, "IM")
GAMUNEX_SC = Drug(_local(204, "GAMUNEX-C 100MG/ML", None, "GS-HPK"), mg_per_ml=100, route="SC")
RHOPHYLAC = Drug(
    _local(205, "RHOPHYLAC INJVLST 150MCG/ML SPUIT 2ML", ("J06BB01", "anti-D (rh) immunoglobulin"), "GS-HPK"),
    "INJ^Injectievloeistof^L",
)
HEPATITIS_B = Drug(
    _local(206, "HEPATITIS B IMMUNOGLOBULINE INJVLST 100IE/ML", ("J06BB04", "hepatitis B immunoglobulin"), "GS-HPK"),
    "INJ^Injectievloeistof^L",
    route="IM",
)
TETANUS = Drug(
    _local(207, "TETAQUIN INJVLST 250IE", ("J06BB02", "tetanus immunoglobulin"), "GS-HPK"),
    "INJ^Injectievloeistof^L",
    route="IM",
)
CYTOTECT = Drug(_local(208, "CYTOTECT CP INFVLST 100E/ML", ("J06BB09", "cytomegalovirus immunoglobulin"), "GS-HPK"))
THYMOGLOBULINE = Drug(
    _local(
        209, "THYMOGLOBULINE POEDER VOOR INFUSIE 25MG", ("L04AA04", "antithymocyte immunoglobulin (rabbit)"), "GS-HPK"
    )
)
ALBUMIN = Drug(_local(210, "ALBUMINE HUMAAN INFVLST 200MG/ML", ("B05AA01", "albumin"), "GS-HPK"), mg_per_ml=200)
RITUXIMAB = Drug(_local(211, "RITUXIMAB INFVLST 10MG/ML", ("L01FA01", "rituximab"), "GS-HPK"), mg_per_ml=10)


def _drug(number: int, name: str, atc: str, text: str, route: str = "PO") -> Drug:
    form = "TAB^Tablet^L" if route == "PO" else "INJ^Injectievloeistof^L"
    return Drug(_local(number, name, (atc, text)), form, route=route)


WARFARIN = _drug(301, "WARFARINE TABLET 5MG", "B01AA03", "warfarin")
ACENOCOUMAROL = _drug(302, "ACENOCOUMAROL TABLET 1MG", "B01AA07", "acenocoumarol")
PHENPROCOUMON = _drug(303, "FENPROCOUMON TABLET 3MG", "B01AA04", "phenprocoumon")
APIXABAN = _drug(304, "APIXABAN TABLET 5MG", "B01AF02", "apixaban")
RIVAROXABAN = _drug(305, "RIVAROXABAN TABLET 20MG", "B01AF01", "rivaroxaban")
DABIGATRAN = _drug(306, "DABIGATRAN CAPSULE 150MG", "B01AE07", "dabigatran etexilate")
NADROPARIN = _drug(307, "NADROPARINE INJVLST 9500IE/ML", "B01AB06", "nadroparin", "SC")
DALTEPARIN = _drug(308, "DALTEPARINE INJVLST 25000IE/ML", "B01AB04", "dalteparin", "SC")
ENOXAPARIN = _drug(309, "ENOXAPARINE INJVLST 100MG/ML", "B01AB05", "enoxaparin", "SC")
ASPIRIN = _drug(310, "ACETYLSALICYLZUUR TABLET 80MG", "B01AC06", "acetylsalicylic acid")
CLOPIDOGREL = _drug(311, "CLOPIDOGREL TABLET 75MG", "B01AC04", "clopidogrel")
PREDNISONE = _drug(312, "PREDNISON TABLET 20MG", "H02AB07", "prednisone")
PREDNISOLONE = _drug(313, "PREDNISOLON TABLET 5MG", "H02AB06", "prednisolone")
METHYLPREDNISOLONE = _drug(314, "METHYLPREDNISOLON POEDER VOOR INJVLST 1000MG", "H02AB04", "methylprednisolone", "IV")
DEXAMETHASONE = _drug(315, "DEXAMETHASON TABLET 4MG", "H02AB02", "dexamethasone")
PILL = _drug(316, "ETHINYLESTRADIOL/LEVONORGESTREL TABLET", "G03AA07", "levonorgestrel and ethinylestradiol")
TAMOXIFEN = _drug(329, "TAMOXIFEN TABLET 20MG", "L02BA01", "tamoxifen")
ARGATROBAN = _drug(330, "ARGATROBAN INFVLST 1MG/ML", "B01AE03", "argatroban", "IV")
RALOXIFENE = _drug(331, "RALOXIFEEN TABLET 60MG", "G03XC01", "raloxifene")
CAPECITABINE = _drug(332, "CAPECITABINE TABLET 500MG", "L01BC06", "capecitabine")
TESTOSTERONE = _drug(333, "TESTOSTERON GEL 50MG", "G03BA03", "testosterone", "TD")
RUXOLITINIB = _drug(334, "RUXOLITINIB TABLET 10MG", "L01EJ01", "ruxolitinib")
ESTRADIOL = _drug(317, "ESTRADIOL TABLET 2MG", "G03CA03", "estradiol")
AMLODIPINE = _drug(318, "AMLODIPINE TABLET 5MG", "C08CA01", "amlodipine")
LISINOPRIL = _drug(319, "LISINOPRIL TABLET 10MG", "C09AA03", "lisinopril")
ATORVASTATIN = _drug(320, "ATORVASTATINE TABLET 40MG", "C10AA05", "atorvastatin")
OXYCODONE = _drug(321, "OXYCODON/PARACETAMOL CAPSULE", "N02AJ17", "oxycodone and paracetamol")
AMITRIPTYLINE = _drug(322, "AMITRIPTYLINE TABLET 25MG", "N06AA09", "amitriptyline")
PARACETAMOL = _drug(323, "PARACETAMOL TABLET 500MG", "N02BE01", "paracetamol")
AMOXICILLIN = _drug(
    324, "AMOXICILLINE/CLAVULAANZUUR INFPDR 1000/200MG", "J01CR02", "amoxicillin and beta-lactamase inhibitor", "IV"
)
CEFTRIAXONE = _drug(325, "CEFTRIAXON INJPDR 2000MG", "J01DD04", "ceftriaxone", "IV")
PANTOPRAZOLE = _drug(326, "PANTOPRAZOL TABLET 40MG", "A02BC02", "pantoprazole")
METOPROLOL = _drug(327, "METOPROLOL TABLET 50MG", "C07AB02", "metoprolol")
MORPHINE = _drug(328, "MORFINE INJVLST 10MG/ML", "N02AA01", "morphine", "SC")
GLUCOSE = SentCode("99990044", "GLUCOSE 50MG/ML INFVLST", "GS-PRK")
