"""The codes the hospital writes: diagnoses (ICD-10 of the WHO), procedures, laboratory tests."""

from synthetic.wire import SentCode


def icd(code: str, text: str, snomed: tuple[str, str] | None = None) -> SentCode:
    """Return a diagnosis in ICD-10, with its SNOMED CT code when the ward picked one."""
    return SentCode(code, text, "I10", (*snomed, "SCT") if snomed else None)


def loinc(code: str, text: str) -> SentCode:
    """Return a laboratory test or measurement in LOINC."""
    return SentCode(code, text, "LN")


DVT_SEEN = icd("I80.2", "Diepe veneuze trombose been op duplex", ("128053003", "Deep venous thrombosis"))
DVT_LEG = icd("I80.2", "Diepe veneuze trombose been", ("128053003", "Deep venous thrombosis"))
DVT_ARM = icd("I82.8", "Veneuze trombose arm")
VENOUS_THROMBOSIS = icd("I82.9", "Veneuze trombose")
DVT_BOTH_LEGS = icd(
    "I80.2", "Diepe veneuze trombose beide benen", ("444325005", "Deep vein thrombosis of bilateral legs")
)
SKIN_DISEASE = icd("L98.9", "Huidaandoening, niet gespecificeerd")
JUGULAR = icd("I82.8", "Trombose vena jugularis interna", ("864191000000104", "Thrombosis of internal jugular vein"))
EMBOLISM = icd("I26.9", "Longembolie", ("59282003", "Pulmonary embolism"))
EMBOLISM_FATAL = icd(
    "I26.0", "Longembolie op CT-angio, met acuut cor pulmonale", ("706870000", "Acute pulmonary embolism")
)
STROKE = icd("I63.9", "Herseninfarct")

ALS = icd("G12.2", "Amyotrofische laterale sclerose")
CIDP = icd("G61.8", "Chronische inflammatoire demyeliniserende polyneuropathie")
GBS = icd("G61.0", "Syndroom van Guillain-Barré")
MYASTHENIA = icd("G70.0", "Myasthenia gravis")
ITP = icd("D69.3", "Idiopathische trombocytopenische purpura")
EVANS = icd("D69.3", "Syndroom van Evans")
CVID = icd("D83.9", "Common variable immunodeficiency")
IGG_DEFICIENCY = icd("D80.3", "Selectieve IgG-deficiëntie")
DERMATOMYOSITIS = icd("M33.1", "Dermatomyositis")
PARAPROTEIN = icd("D47.2", "Monoklonale gammopathie, IgM")
PARAPROTEIN_NEUROPATHY = icd("G63.1", "Polyneuropathie bij IgM-paraproteïne")

OBESITY = icd("E66.9", "Obesitas")
IMMOBILITY = icd("R26.3", "Immobiliteit, bedlegerig")
FACTOR_V_LEIDEN = icd("D68.5", "Factor V Leiden, heterozygoot", ("421527008", "Factor V Leiden mutation"))
HODGKIN = icd("C81.9", "Hodgkin-lymfoom, in remissie")
HYPERTENSION = icd("I10", "Hypertensie")
HYPERLIPIDAEMIA = icd("E78.5", "Hyperlipidemie")
TREMOR = icd("G25.0", "Essentiële tremor")

EVERYDAY = (
    icd("J18.9", "Pneumonie"),
    icd("N39.0", "Urineweginfectie"),
    icd("K35.8", "Appendicitis acuta"),
    icd("K80.2", "Galstenen"),
    icd("S52.5", "Fractuur distale radius"),
    icd("J44.1", "Exacerbatie COPD"),
    icd("K57.3", "Diverticulose"),
    icd("M54.5", "Lage rugpijn"),
    icd("R55", "Syncope"),
    icd("L03.1", "Cellulitis onderbeen"),
    icd("G40.9", "Epilepsie"),
    icd("K29.7", "Gastritis"),
    icd("H81.1", "Benigne paroxismale positieduizeligheid"),
    icd("E03.9", "Hypothyreoïdie"),
)
RISKS = (
    HYPERTENSION,
    OBESITY,
    icd("I50.9", "Hartfalen"),
    icd("N18.3", "Chronische nierschade G3"),
    icd("E11.9", "Diabetes mellitus type 2"),
    icd("C50.9", "Mammacarcinoom"),
    icd("I25.1", "Coronairlijden"),
    icd("M06.9", "Reumatoïde artritis"),
    icd("F17.2", "Nicotineafhankelijkheid"),
)
PERIPHERAL_LINE = SentCode("5-399.1", "Inbrengen perifere veneuze canule rechterarm", "ZA")

WEIGHT = loinc("29463-7", "Body weight")
HEIGHT = loinc("8302-2", "Body height")
INR = loinc("6301-6", "INR in Platelet poor plasma by Coagulation assay")
INR_POINT_OF_CARE = loinc("34714-6", "INR in Blood by Coagulation assay")
APTT = loinc("14979-9", "aPTT in Platelet poor plasma by Coagulation assay")
D_DIMER = loinc("48065-7", "Fibrin D-dimer FEU [Mass/volume] in Platelet poor plasma")
CREATININE = loinc("14682-9", "Creatinine [Moles/volume] in Serum or Plasma")
EGFR = loinc("62238-1", "Glomerular filtration rate/1.73 sq M.predicted (CKD-EPI)")
PLATELETS = loinc("777-3", "Platelets [#/volume] in Blood by Automated count")
HAEMOGLOBIN = loinc("59260-0", "Hemoglobin [Moles/volume] in Blood")
VISCOSITY = loinc("3128-6", "Viscosity of Serum")
IGG = loinc("2465-3", "IgG [Mass/volume] in Serum or Plasma")
PAST_ILLNESS = loinc("11348-0", "History of past illness")
FACTOR_V_GENE = loinc("21668-9", "F5 gene mutation analysis")
