"""Segments about a patient: who, where, diagnoses, problems, procedures, results, merges."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from synthetic.people import SyntheticPerson
from synthetic.wire import Dialect, SentCode, escape, moment, segment, unit

DOCTOR = "20011^de Boer^Karin^^^^^^ZKHA"
STRUCTURES = {  # MSH-9.3 of an ADT event, where it differs from its own name
    "A04": "ADT_A01",
    "A08": "ADT_A01",
    "A13": "ADT_A01",
    "A11": "ADT_A09",
    "A31": "ADT_A05",
    "A28": "ADT_A05",
    "A34": "ADT_A30",
    "A40": "ADT_A39",
}


@dataclass(frozen=True, slots=True)
class VisitSent:
    """Where the patient lies or comes."""

    number: str
    ward: str
    patient_class: str = "I"  # O: outpatient
    admitted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of DG1."""

    code: SentCode
    on: date | datetime | None = None
    kind: str = "F"  # A admitting, W working, F final
    action: str = "A"


@dataclass(frozen=True, slots=True)
class ProblemSent:
    """One entry of the problem list."""

    code: SentCode
    number: str
    onset: date | datetime | None = None
    resolved: date | datetime | None = None
    status: str = "ACTIVE^Actief^L"
    certainty: str = "CONF^Bevestigd^L"
    action: str = "AD"


@dataclass(frozen=True, slots=True)
class Result:
    """One measured value."""

    test: SentCode
    value: object
    unit: str = ""
    normal: str = ""
    flag: str = ""
    status: str = "F"
    kind: Literal["NM", "SN", "ST", "CE", "TX"] = "NM"


def evn(event: str, at: datetime, dialect: Dialect) -> str:
    """Write EVN; its first field was withdrawn in 2.7."""
    return segment("EVN", {1: "" if dialect.speaks("2.7") else event, 2: dialect.time(at), 6: dialect.time(at)})


def pid(
    person: SyntheticPerson, dialect: Dialect, *, visit: VisitSent | None = None, died_at: datetime | None = None
) -> str:
    """Write PID."""
    identifiers = f"{person.number}^^^ZKHA^PI"
    if person.bsn:
        identifiers += f"~{person.bsn}^^^NLMINBIZA^NNNLD"
    fields: dict[int, object] = {
        1: 1,
        3: identifiers,
        5: f"{escape(person.family)}^{escape(person.given)}^^^^^L",
        7: moment(person.born, dialect),
        8: person.sex,
    }
    if visit:
        fields[18] = f"{visit.number}^^^ZKHA^AN"
    if died_at:
        fields |= {29: dialect.time(died_at), 30: "Y"}
    return segment("PID", fields)


def pv1(visit: VisitSent, dialect: Dialect, *, discharged_at: datetime | None = None) -> str:
    """Write PV1."""
    fields: dict[int, object] = {
        1: 1,
        2: visit.patient_class,
        3: f"{visit.ward}^01^1^ZKHA",
        7: DOCTOR,
        19: f"{visit.number}^^^ZKHA^VN",
    }
    if visit.admitted_at:
        fields[44] = dialect.time(visit.admitted_at)
    if discharged_at:
        fields[45] = dialect.time(discharged_at)
    return segment("PV1", fields)


def dg1(diagnoses: Iterable[Diagnosis], number: str, dialect: Dialect) -> list[str]:
    """Write diagnoses; from 2.5 on each has an identity and an action."""
    written = []
    for index, diagnosis in enumerate(diagnoses, start=1):
        code = diagnosis.code
        fields: dict[int, object] = {1: index, 3: code, 5: moment(diagnosis.on, dialect), 6: diagnosis.kind, 15: index}
        if dialect.speaks("2.5"):
            fields |= {20: f"DX{number}{code.code.replace('.', '')}^EPD", 21: diagnosis.action}
        written.append(segment("DG1", fields))
    return written


def prb(problem: ProblemSent, at: datetime, dialect: Dialect) -> str:
    """Write one problem."""
    return segment(
        "PRB",
        {
            1: problem.action,
            2: dialect.time(at),
            3: problem.code,
            4: f"{problem.number}^EPD",
            9: moment(problem.resolved, dialect),
            10: "DX^Diagnose^L",
            13: problem.certainty,
            14: problem.status,
            16: moment(problem.onset, dialect),
        },
    )


def pr1(procedure: SentCode, at: datetime, dialect: Dialect) -> str:
    """Write one procedure."""
    return segment("PR1", {1: 1, 3: procedure, 5: dialect.time(at), 6: "P"})


def obx(results: Sequence[Result], taken: datetime, dialect: Dialect) -> list[str]:
    """Write results or measurements, taken at one moment."""
    return [
        segment(
            "OBX",
            {
                1: index,
                2: result.kind,
                3: result.test,
                4: index,
                5: result.value,
                6: unit(result.unit, result.unit, dialect) if result.unit else "",
                7: result.normal,
                8: result.flag,
                11: result.status,
                14: dialect.time(taken),
            },
        )
        for index, result in enumerate(results, start=1)
    ]


def obr(number: str, panel: SentCode, taken: datetime, status: str, dialect: Dialect) -> str:
    """Write the request the results answer."""
    return segment(
        "OBR",
        {
            1: 1,
            2: f"{number}^EPD",
            3: f"{number}^LIS",
            4: panel,
            7: dialect.time(taken),
            22: dialect.time(taken),
            25: status,
        },
    )


def mrg(retired: str) -> str:
    """Write the number that is given up."""
    return segment("MRG", {1: f"{retired}^^^ZKHA^PI"})
