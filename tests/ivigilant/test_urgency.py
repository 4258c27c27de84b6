"""What may be IVIg goes before history, and so does all that leaves a doubt; other drugs wait with it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa

from clinical.events import MedicationGiven, MedicationOrdered
from ivigilant.errors import UnusableKnowledge
from ivigilant.urgency import MAY_BE_URGENT, Learning, Urgency
from parsers.defaults import Defaults
from parsers.errors import UnreadableHeader, UnreadableMessage
from parsers.hl7.header import read_header
from parsers.reading import read
from rules.knowledge import Knowledge
from rules.living import KnowledgeSource, Settled
from store import tables
from synthetic.stream import hospital_messages
from tests.field.sending import given, of_our_own
from tests.ivigilant.waiting import soon

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SAMPLES = Path(__file__).parents[1] / "samples"

PLAIN = {
    "a tablet": "RXE||99990323^PARACETAMOL TABLET 500MG^GS-PRK^N02BE01^paracetamol^ATC|500||mg",
    "a local code with its name": "RXO|4711^Amoxicilline 1 g^L|1||g",
    "words alone": "RXO|^Metoprolol 50 mg|50||mg",
    "albumin": "RXO|B05AA01^Albumine 20%^ATC|100||mL",
    "anti-D": "RXE||9901^Rho(D) immune globulin^99LCN|300||mcg",
    "a dose of another drug": "RXA|0|1|20261120090000||B01AB05^Enoxaparine^ATC|80|mg",
    "a laboratory order": "OBR|1|L1^EPD||CBC^Bloedbeeld^L",
    "a request and its encoding": "RXO|B01AB05^Enoxaparine^ATC|80||mg\rRXE||B01AB05^Enoxaparine^ATC|80||mg",
}
URGENT = {
    "by its code alone": "RXO|J06BA02|30||g",
    "by a brand": "RXO|4711^Privigen 10% flacon^L|30||g",
    "under the skin, which may be a mistake": "RXO|J06BA01^Hizentra^ATC|10||g",
    "in the alternative code": "RXE||99^Infuus groot^L^J06BA02^^ATC|30||g",
    "in the second repetition": "RXE||99^Glucose 5%^L~98^Kiovig^L|30||g",
    "one field early": "RXE|Kiovig 100 mg/ml||30||g|INF",
    "one field late": "RXE|||J06BA02^Octagam^ATC|25||g",
    "in the second of two drugs": "RXE||1^Paracetamol^L|1||g\rORC|NW|A2\rRXE||2^Nanogam^L|30||g",
    "as a component": "RXE||1^Natriumchloride 0,9%^L|500||mL\rRXC|A|7^Immuunglobuline humaan^L|30|g",
    "in a note": "RXO|1^Glucose 5%^L|1||mL\rNTE|1||IVIG 30 gram",
    "in the instructions": "RXE||1^Glucose 5%^L|500||mL||^2 dagen IVIg 0,4 g/kg",
    "in an observation": "RXO|1^Glucose 5%^L|1||mL\rOBX|1|ST|MED^Middel^L||Gammagard 30 g",
    "in a segment of the sender's own": "RXO|1^Glucose 5%^L|1||mL\rZRX|1|J06BA02^^ATC",
    "as a service": "OBR|1|A1^EPD||THER12^IVIG infusion 30 g^L",
    "as a treatment that says nothing": "OBR|1|A1^EPD||DAGB^Dagbehandeling infuus^L",
    "by no name": "RXO|4711^^L|30||g",
    "by a code of nobody's": "RXO|4711|30||g",
    "by words that say to look elsewhere": "RXO|1^Zie opmerking^L|30||g",
    "without any drug": "TQ1|1||QD",
    "beside a control without a drug": "RXO|1^Paracetamol^L|1||g\rORC|CA|A2",
    "of the blood bank": "BPO|1|1^Erytrocyten^L|||2",
    "with an escape": "RXO|1^Immuno\\X67\\lobuline^L|30||g",
    "in another character set": "RXO|1^\xedmmun^L|30||g",
    "in a broken line": "RXO|1^Paracetamol^L|1||g\rvervolg: zie de notitie",
}


def message(content: str, kind: str = "OMP^O09", control: str = "NW") -> bytes:
    lines = f"PID|1||1^^^ZKHA^PI||Testman^Ada\rORC|{control}|A1^EPD\r{content}\r"
    return f"MSH|^~\\&|EPD|ZKHA|IVIGILANT|ZKHA|20261121||{kind}|1|P|2.5\r{lines}".encode("latin-1")


@pytest.fixture(scope="module")
def urgency(knowledge: Knowledge) -> Urgency:
    made = Urgency()
    made.use(knowledge)
    return made


def goes_first(urgency: Urgency, raw: bytes) -> bool:
    return urgency(raw, read_header(raw, Defaults()))


@pytest.mark.parametrize("content", [pytest.param(text, id=name) for name, text in PLAIN.items()])
def test_another_drug_waits_with_history(content: str, urgency: Urgency) -> None:
    assert not goes_first(urgency, message(content))


@pytest.mark.parametrize("content", [pytest.param(text, id=name) for name, text in URGENT.items()])
def test_what_may_be_ivig_goes_first_wherever_it_stands(content: str, urgency: Urgency) -> None:
    assert goes_first(urgency, message(content))


@pytest.mark.parametrize("control", ["RP", "XO", "RU"])
def test_an_order_in_the_place_of_another_goes_first(control: str, urgency: Urgency) -> None:
    assert goes_first(urgency, message(PLAIN["albumin"], control=control))


def test_what_orders_nothing_is_history_whatever_it_says(urgency: Urgency) -> None:
    assert not goes_first(urgency, message("NTE|1||IVIG 30 g", kind="ADT^A08"))


def holds_ivig(raw: bytes, knowledge: Knowledge) -> bool:
    """Whether a worker reads IVIg in it, or what may be IVIg."""
    try:
        events = read(raw, Defaults()).events
    except UnreadableMessage:
        return False
    return any(
        knowledge.classify(each.codings, each.text, event.routes).is_ivig
        for event in events
        if isinstance(event, MedicationOrdered | MedicationGiven)
        for each in (event, *(event.components if isinstance(event, MedicationOrdered) else ()))
    )


def every_order(messages: Iterator[bytes]) -> Iterator[bytes]:
    for raw in messages:
        try:
            header = read_header(raw, Defaults())
        except UnreadableHeader:
            continue
        if (header.type, header.event) in MAY_BE_URGENT:
            yield raw


def test_no_order_for_ivig_that_a_worker_reads_waits_with_history(urgency: Urgency, knowledge: Knowledge) -> None:
    sent = [raw for case in (*given(), *of_our_own()) for raw in case.messages]
    sent += [file.read_bytes() for file in sorted(SAMPLES.glob("*.hl7"))]

    of_ivig = [raw for raw in every_order(iter(sent)) if holds_ivig(raw, knowledge)]

    assert len(of_ivig) > 800
    assert [raw for raw in of_ivig if not goes_first(urgency, raw)] == []


def test_of_a_mixed_feed_little_more_than_ivig_goes_first(urgency: Urgency, knowledge: Knowledge) -> None:
    feed = list(hospital_messages(now=NOON))
    first = [raw for raw in feed if goes_first(urgency, raw)]
    of_ivig = [raw for raw in every_order(iter(feed)) if holds_ivig(raw, knowledge)]

    assert set(of_ivig) <= set(first)
    assert len(first) <= len(of_ivig) + len(feed) // 20


def test_without_knowledge_every_order_goes_first() -> None:
    assert goes_first(Urgency(), message(PLAIN["a tablet"]))
    assert not goes_first(Urgency(), message(PLAIN["a tablet"], kind="ADT^A08"))


def test_a_code_that_people_map_to_ivig_goes_first_once_it_is_learned(engine: sa.Engine, knowledge: Knowledge) -> None:
    order = message("RXO|IG10^Preparaat B flacon^ZKH|30||g")
    with engine.begin() as connection:
        row = {"kind": "product", "system": "ZKH", "code": "IG10", "display": "Preparaat B flacon", "likely": ""}
        row |= {"state": "mapped", "value_set": "intravenous-immunoglobulin"}
        connection.execute(sa.insert(tables.local_code).values(**row, first_seen=NOON))
    unlearned, urgency = Urgency(), Urgency()
    unlearned.use(knowledge)

    learning = Learning(urgency, lambda: Settled(knowledge), engine)
    learning.start()
    soon(lambda: not goes_first(urgency, message(PLAIN["a tablet"])))
    learning.stop()

    assert (goes_first(unlearned, order), goes_first(urgency, order)) == (False, True)


def test_knowledge_that_cannot_be_read_leaves_every_order_first(engine: sa.Engine) -> None:
    asked: list[bool] = []

    def broken() -> KnowledgeSource:
        asked.append(True)
        raise UnusableKnowledge("rules/x.yaml: no")

    urgency = Urgency()
    learning = Learning(urgency, broken, engine)
    learning.start()
    soon(lambda: asked)
    learning.stop()

    assert goes_first(urgency, message(PLAIN["a tablet"]))


@pytest.mark.parametrize(
    "content",
    [
        f"RXE||{'middel zonder naam ' * 60}|1||g",  # more than the name of a drug
        "RXO|1^Paracetamol^L|1||g\rOBX|1|ED|PDF||" + "QUJD" * 5_000,
    ],
    ids=["a field", "a message"],
)
def test_what_would_take_long_to_look_into_goes_first(content: str, urgency: Urgency) -> None:
    assert goes_first(urgency, message(content))


class Failing:
    """Knowledge that cannot be worked with: asked for its class, or at all."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)

    def current(self) -> Knowledge:
        raise RuntimeError


def test_a_fault_of_ours_leaves_the_order_first() -> None:
    urgency = Urgency()
    urgency.use(cast("Knowledge", Failing()))

    assert goes_first(urgency, message(PLAIN["a tablet"]))


def test_rules_that_cannot_be_read_any_more_leave_every_order_first_until_they_can(
    engine: sa.Engine, knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ivigilant.urgency.LOOK_EVERY_S", 0.01)
    source: list[KnowledgeSource] = [Settled(knowledge)]

    class Changing(Settled):
        def current(self) -> Knowledge:
            return source[0].current()

    urgency = Urgency()
    learning = Learning(urgency, lambda: Changing(knowledge), engine)
    learning.start()
    tablet = message(PLAIN["a tablet"])
    soon(lambda: not goes_first(urgency, tablet))
    source[0] = cast("KnowledgeSource", Failing())
    soon(lambda: goes_first(urgency, tablet))
    source[0] = Settled(knowledge)
    soon(lambda: not goes_first(urgency, tablet))
    learning.stop()
