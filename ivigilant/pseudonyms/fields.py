"""Which fields of a message leave, and as what. What stands here is read by the rules; everything else is emptied.

Nothing leaves because it looks harmless, only because it has the form that its kind allows: a number, a code, a time, a
word of the knowledge. A field of another form is emptied, and so is every field and segment that is not named.
"""

from collections.abc import Mapping
from typing import Final, Literal

FieldKind = Literal[
    "word",  # a value of a table of HL7: up to four capitals or digits
    "amount",  # a number, with a unit where its type has one
    "time",  # moved
    "times",  # from and until, moved
    "birth",  # moved; folded above 89
    "code",  # a code and its system; the texts beside it are scrubbed
    "unit",  # a code that may be a unit
    "words",  # a short text: scrubbed
    "text",  # a long one: emptied, unless texts are asked for, and then scrubbed
    "order",  # the number of an order or a request: a pseudonym; who gave it stays
    "entry",  # the number of an entry of a list: the same
    "lot",  # a batch number: the same
    "visit",  # the number of a visit: the same
    "person",  # the numbers of a patient: the same, a citizen service number that of nobody
    "name",  # a made-up one
    "ward",  # the first component alone
    "timing",  # quantity and timing in one field
    "value",  # by the type in OBX-2
    "set",  # a running number
    "type",  # of the message, as it is
    "system",  # who sends: as it is, where it has the form of a name of a system
]


def _of(*kinds: tuple[FieldKind, str]) -> Mapping[int, FieldKind]:
    return {int(number): kind for kind, numbers in kinds for number in numbers.split()}


FIELDS: Final[Mapping[str, Mapping[int, FieldKind]]] = {
    "MSH": _of(("system", "3 4 5 6"), ("time", "7"), ("type", "9"), ("word", "11 15 16"), ("amount", "12")),
    "EVN": _of(("time", "2")),
    "PID": _of(
        ("set", "1"), ("person", "2 3 4 21"), ("name", "5"), ("birth", "7"), ("word", "8 30 31"), ("time", "29")
    ),
    "MRG": _of(("person", "1 4")),
    "PV1": _of(("set", "1"), ("word", "2"), ("ward", "3"), ("visit", "19"), ("time", "44 45")),
    "PV2": _of(("code", "3")),
    "AL1": _of(("set", "1"), ("code", "2 3"), ("words", "5"), ("time", "6")),
    "IAM": _of(("set", "1"), ("code", "2 3 6 17"), ("words", "5 8"), ("entry", "7"), ("time", "11")),
    "DG1": _of(("set", "1"), ("word", "6 21"), ("code", "3"), ("words", "4"), ("time", "5"), ("entry", "20")),
    "FT1": _of(("set", "1"), ("times", "4"), ("code", "19")),
    "PR1": _of(("set", "1"), ("code", "3"), ("words", "4"), ("time", "5"), ("entry", "19"), ("word", "20")),
    "PRB": _of(("word", "1"), ("time", "2 7 9 16"), ("code", "3 13 14 19"), ("entry", "4")),
    "ORC": _of(("word", "1 5"), ("order", "2 3 8"), ("timing", "7"), ("time", "9 15"), ("code", "16")),
    "OBR": _of(
        ("set", "1"),
        ("order", "2 3"),
        ("code", "4 31 39 44 46"),
        ("word", "5 24 25"),
        ("time", "6 7 8 22"),
        ("text", "13"),
        ("timing", "27"),
    ),
    "OBX": _of(
        ("set", "1"),
        ("word", "2 8 11"),
        ("code", "3"),
        ("amount", "4 7"),
        ("value", "5"),
        ("unit", "6"),
        ("time", "14"),
    ),
    "NTE": _of(("set", "1"), ("text", "3")),
    "TQ1": _of(
        ("set", "1"),
        ("amount", "2 4 5 6 13 14"),
        ("unit", "3"),
        ("time", "7 8"),
        ("code", "9"),
        ("text", "11"),
        ("word", "12"),
    ),
    "RXR": _of(("code", "1 4")),
    "RXC": _of(("word", "1"), ("code", "2 7"), ("amount", "3 5 8"), ("unit", "4 6 9")),
    "RXO": _of(
        ("code", "1 5 10 20 24"),
        ("amount", "2 3 11 18 21 23 25"),
        ("unit", "4 12 17 19 22 26"),
        ("text", "6 7"),
        ("word", "9"),
    ),
    "RXE": _of(
        ("timing", "1"),
        ("code", "2 6 27 31"),
        ("amount", "3 4 10 12 19 23 25 28 33"),
        ("unit", "5 11 22 24 26 29 34"),
        ("text", "7 21"),
        ("word", "9"),
        ("order", "15"),
    ),
    "RXD": _of(
        ("amount", "1 4 8 12 16 22 28"),
        ("code", "2 6 21 25"),
        ("unit", "5 17 23 29"),
        ("order", "7"),
        ("text", "9 15"),
        ("word", "11"),
        ("lot", "18"),
    ),
    "RXG": _of(
        ("amount", "2 5 6 15 17 23"),
        ("timing", "3"),
        ("code", "4 8 22"),
        ("unit", "7 14 16 18 24"),
        ("text", "9 13"),
        ("word", "10"),
        ("lot", "19"),
    ),
    "RXA": _of(
        ("amount", "1 2 6 13 23"),
        ("time", "3 4 22"),
        ("code", "5 19"),
        ("unit", "7 12 14 24"),
        ("text", "9"),
        ("lot", "15"),
        ("code", "17"),
        ("word", "20 21"),
    ),
    "BPO": _of(("set", "1"), ("code", "2 3 13"), ("amount", "4 5"), ("unit", "6"), ("time", "7 10"), ("word", "14")),
    "BPX": _of(("time", "4"), ("code", "6 8"), ("lot", "10"), ("amount", "14 15"), ("unit", "16"), ("entry", "17")),
    "BTX": _of(
        ("set", "1"),
        ("entry", "2"),
        ("code", "3 5 11"),
        ("lot", "7"),
        ("amount", "8 9"),
        ("unit", "10"),
        ("time", "13 16 17"),
    ),
}
# Where what identifies somebody stands: no part of it may be anywhere in what leaves.
OF_PEOPLE: Final[Mapping[str, tuple[int, ...] | None]] = {  # None: every field
    "EVN": (5,),
    "PID": (2, 3, 4, 5, 6, 7, 9, 11, 12, 13, 14, 18, 19, 20, 21, 23),
    "MRG": (1, 2, 3, 4, 5, 6, 7),
    "NK1": None,
    "GT1": None,
    "IN1": None,
    "IN2": None,
    "PD1": None,
    "PV1": (5, 7, 8, 9, 17, 19, 50, 52),
    "ORC": (10, 11, 12, 14, 19),
    "OBR": (10, 16, 17, 28, 32, 33, 34, 35),
    "DG1": (16,),
    "PR1": (8, 11, 12),
    "RXA": (10,),
    "RXE": (13, 14),
    "RXO": (14, 15),
    "OBX": (16,),
    "ROL": None,
    "PRT": None,
    "TXA": (5, 9, 10, 11, 22, 23),
}
