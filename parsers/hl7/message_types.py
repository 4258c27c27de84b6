"""Which messages are read, by MSH-9.1 and 9.2; what MSH-9.3 says is often absent or wrong. Data."""


def _of(kind: str, events: str) -> frozenset[tuple[str, str]]:
    return frozenset((kind, event) for event in events.split())


ORDERS = (
    _of("ORM", "O01")
    | _of("OMP", "O09")
    | _of("OMG", "O19")
    | _of("OMB", "O27")
    | _of("OML", "O21")
    | _of("BPS", "O29")
    | _of("RDE", "O01 O11 O25")
    | _of("RDS", "O01 O13")
    | _of("RGV", "O01 O15")
)
ADMINISTRATIONS = _of("RAS", "O01 O17") | _of("BTS", "O31")
RESULTS = _of("ORU", "R01 R30 R31 R32") | _of("OUL", "R21 R22 R23 R24")
PROBLEMS = _of("PPR", "PC1 PC2 PC3") | _of("PGL", "PC6 PC7 PC8")
REQUESTS = _of("OMI", "O23")  # for an image: what it is for, and the diagnoses with it
ANSWERS = (  # of a pharmacy, a blood bank or a department to the orderer: what became of the orders
    _of("ORR", "O02")
    | _of("ORP", "O10")
    | _of("RRE", "O02 O12 O26")
    | _of("RRD", "O02 O14")
    | _of("RRG", "O02 O16")
    | _of("RRA", "O02 O18")
    | _of("ORG", "O20")
    | _of("ORL", "O22")
    | _of("ORB", "O28")
    | _of("BRP", "O30")
    | _of("BRT", "O32")
)
WITH_ORDERS = ORDERS | ANSWERS | PROBLEMS  # a problem may come with the orders that treat it
BILLING = _of("BAR", "P01 P02 P05 P06 P10 P12") | _of("DFT", "P03 P11")
REFERRALS = (
    _of("REF", "I12 I13 I14 I15")
    | _of("RRI", "I12 I13 I14 I15")
    | _of("CCR", "I16 I17 I18")
    | _of("CCU", "I20")
    | _of("CCM", "I21")
)
DOCUMENTS = _of("MDM", "T01 T02 T03 T04 T05 T06 T07 T08 T09 T10 T11")

# Admissions, transfers, discharges and their cancellations; A60 for allergies; then merges, moves and A37 to undo one.
_ADMISSIONS = "A01 A02 A03 A04 A05 A06 A07 A08 A09 A10 A11 A12 A13 A14 A28 A31 A60"
_IDENTITIES = "A18 A30 A34 A35 A36 A37 A39 A40 A41 A42 A43 A44 A45 A46 A47 A48"
ADMINISTRATIVE = _of("ADT", f"{_ADMISSIONS} {_IDENTITIES}")

_HISTORY = RESULTS | PROBLEMS | BILLING | ADMINISTRATIVE | REFERRALS | DOCUMENTS | REQUESTS
READ = ORDERS | ANSWERS | ADMINISTRATIONS | _HISTORY

# The record of a patient is deleted: what comes with it is not new.
RECORD_REMOVED = _of("ADT", "A23 A29")

# What a message is that does not say so in MSH-9: by the first of these segments that it has.
BY_SEGMENT = {
    "RXA": ("RAS", "O17"),
    "BTX": ("BTS", "O31"),
    "BPX": ("BPS", "O29"),
    "BPO": ("OMB", "O27"),
    "RXG": ("RGV", "O15"),
    "RXD": ("RDS", "O13"),
    "RXE": ("RDE", "O11"),
    "RXO": ("OMP", "O09"),
    "ORC": ("ORM", "O01"),
    "OBX": ("ORU", "R01"),
    "PV1": ("ADT", "A08"),
    "DG1": ("ADT", "A08"),
    "AL1": ("ADT", "A08"),
}
