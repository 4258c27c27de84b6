"""What is sent: the synthetic hospital, copies of it under other numbers, and orders that must raise an alert."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, count, islice

from bench.load import framed
from listener.client import control_id_of
from synthetic.stream import hospital_messages

_WITHOUT_END = 10**9  # patients


def hospital(patients: int, seed: int = 7) -> list[bytes]:
    """Return the feed of a hospital: the case reports and this many patients more; 5 % are IVIg orders."""
    return list(hospital_messages(seed, now=datetime.now(UTC), patients=patients))


def endless_hospital(at_first: int, seed: int = 7) -> Iterator[bytes]:
    """Yield such a feed without end: the first `at_first` messages are written now, the rest as they are sent."""
    feed = hospital_messages(seed, now=datetime.now(UTC), patients=_WITHOUT_END)
    return chain(list(islice(feed, at_first)), feed)


def copies(messages: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the same messages, framed, over and over under control ids of their own."""
    parts = []
    for message in messages:
        before, _, after = framed(message).partition(b"|" + control_id_of(message) + b"|")
        parts.append((before + b"|", b"|" + after))
    for number in count():
        before, after = parts[number % len(parts)]
        yield before + b"C%d" % number + after


def thrombosis(patient: int, now: datetime) -> bytes:
    """Return a problem-list entry: this patient had a thrombosis two years ago."""
    problem = f"PRB|AD|{_time(now)}|128053003^Diepe veneuze trombose^SCT|PRB{patient}^EPD|||20240614|||||CONF|INACTIVE"
    return _message("PPR^PC1^PPR_PC1", f"BH{patient}", patient, now, problem)


def order(patient: int, now: datetime, change: int = 0, number: int | None = None, results: int = 0) -> bytes:
    """Return an order for IVIg for this patient, or, with `change`, a change of it to another dose.

    Its number is the patient's where none is given; `results` adds so many results with local codes.
    """
    number = patient if number is None else number
    return _message(
        "OMP^O09^OMP_O09",
        f"BO{number}.{change}",
        patient,
        now,
        f"ORC|{'XO' if change else 'NW'}|{number}^EPD|||SC||||{_time(now)}",
        f"TQ1|1||Once|||||{_time(now + timedelta(hours=2))}||R",
        f"RXO|J06BA02^immunoglobulins, normal human^ATC|{30 + change % 20}||g^gram^UCUM",
        "RXR|IV^Intravenous^HL70162",
        "OBX|1|NM|29463-7^Body weight^LN||75|kg^kilogram^UCUM|||||F",
        *(f"OBX|{each}|NM|X{each}^test^L||{each % 100}||||||F" for each in range(2, results + 2)),
    )


def results(patient: int, now: datetime, how_many: int) -> bytes:
    """Return this many INRs of the patient, one an hour."""
    lines = [f"OBR|1|||LAB^Stolling^L|||{_time(now)}"]
    for number in range(how_many):
        taken = _time(now - timedelta(hours=number + 1))
        lines.append(f"OBX|{number + 1}|NM|6301-6^INR^LN||1.{number % 10}|{{INR}}^^UCUM|||||F|||{taken}")
    return _message("ORU^R01^ORU_R01", f"BR{patient}", patient, now, *lines)


def daily_results(patient: int, now: datetime) -> bytes:
    """Return what is measured day after day: INR, platelets, creatinine and haemoglobin."""
    lines = [f"OBR|1|||LAB^Stolling^L|||{_time(now)}"]
    for number, (code, name, value, unit) in enumerate(_DAILY, 1):
        lines.append(f"OBX|{number}|NM|{code}^{name}^LN||{value}|{unit}^^UCUM|||||F|||{_time(now)}")
    return _message("ORU^R01^ORU_R01", f"BD{patient}.{now:%Y%m%d%H}", patient, now, *lines)


_DAILY = (
    ("6301-6", "INR", "1.1", "{INR}"),
    ("777-3", "Platelets", "240", "10*9/L"),
    ("2160-0", "Creatinine", "82", "umol/L"),
    ("718-7", "Hemoglobin", "8.4", "mmol/L"),
)


def _message(kind: str, control_id: str, patient: int, now: datetime, *segments: str) -> bytes:
    header = f"MSH|^~\\&|EPD|ZKHA|IVIGILANT|ZKHA|{_time(now)}||{kind}|{control_id}|P|2.5|||||NLD|UNICODE UTF-8"
    pid = f"PID|1||{7000000 + patient}^^^ZKHA^PI||Meetpunt^Nummer{patient}||19600101|F"
    return "\r".join((header, pid, "PV1|1|I|C4NEU^12^2^ZKHA", *segments, "")).encode()


def _time(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S%z")
