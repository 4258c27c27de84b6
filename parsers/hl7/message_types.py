"""Which messages are read, by MSH-9.1 and 9.2; what MSH-9.3 says is often absent or wrong. Data."""

ORDERS = frozenset(
    {
        ("ORM", "O01"),
        ("OMP", "O09"),
        ("RDE", "O01"),
        ("RDE", "O11"),
        ("RDE", "O25"),
        ("RDS", "O01"),
        ("RDS", "O13"),
        ("RGV", "O01"),
        ("RGV", "O15"),
    }
)
ADMINISTRATIONS = frozenset({("RAS", "O01"), ("RAS", "O17")})
RESULTS = frozenset({("ORU", "R01"), ("ORU", "R30"), ("ORU", "R31"), ("ORU", "R32")})
PROBLEMS = frozenset({("PPR", "PC1"), ("PPR", "PC2"), ("PPR", "PC3")})
WITH_ORDERS = ORDERS | PROBLEMS  # a problem may come with the orders that treat it
BILLING = frozenset({("BAR", "P01"), ("BAR", "P05"), ("BAR", "P12")})

# Admissions, transfers, discharges and their cancellations; A60 for allergies; then merges, moves and A37 to undo one.
_ADMISSIONS = "A01 A02 A03 A04 A05 A06 A07 A08 A09 A10 A11 A12 A13 A14 A28 A31 A60"
_IDENTITIES = "A18 A30 A34 A35 A36 A37 A39 A40 A41 A42 A43 A44 A45 A46 A47 A48"
ADMINISTRATIVE = frozenset(("ADT", event) for event in f"{_ADMISSIONS} {_IDENTITIES}".split())

READ = ORDERS | ADMINISTRATIONS | RESULTS | PROBLEMS | BILLING | ADMINISTRATIVE

# What a message is that does not say so in MSH-9: by the first of these segments that it has.
BY_SEGMENT = {
    "RXA": ("RAS", "O17"),
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
