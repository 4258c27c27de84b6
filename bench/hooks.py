"""How long a prescriber's system waits for its cards, while the store is small and large."""

from datetime import UTC, datetime
from time import perf_counter, process_time

from bench.growing_history import lives
from bench.judging import PATIENT, fill, tell
from bench.report import Table, ms, quantile
from bench.services import DATABASES, surroundings
from history.choices import Site
from parsers.defaults import Defaults
from rules.load import load_knowledge
from store.engine import connect
from tests.inbox.hooks.clients import FEED, HookClient, a_request, hooked
from tests.journeys.hospital import Clock, Hospital
from tests.parsers.fhir.builders import a_dosage, a_patient, an_order, concept, quantity

A_YEAR = 12  # months, and the number of the patient who has lived them here
REPEATS = 100
SYSTEM = "urn:oid:9.9"
SITE = Site(defaults={FEED: Defaults(authorities={SYSTEM: "ZKHA"})})
DOSE = a_dosage(quantity(35, "g"), {"frequency": 1, "period": 1, "periodUnit": "d"})


def measure(sizes: tuple[int, ...]) -> Table:
    """Sign an order of a patient with 50 facts, and of one with a year of results and infusions."""
    rows = []
    for database in DATABASES:
        with surroundings(database) as place:
            engine = connect(place.database_url)
            hospital = Hospital(engine, load_knowledge(), SITE, Clock(datetime.now(UTC)))
            tell(hospital)
            _, facts = lives(hospital, A_YEAR)
            for size in sizes:
                fill(engine, size)
                with hooked(hospital) as client:
                    for patient, own in ((PATIENT, 50), (A_YEAR, facts)):
                        began = process_time()
                        took = _asked(client, patient)
                        busy = (process_time() - began) / len(took)
                        found = [ms(quantile(took, share)) for share in (0.5, 0.95)]
                        rows.append([database, f"{size:,}", f"{own:,}", ms(busy), *found, ms(max(took))])
            engine.dispose()
    columns = ("database", "facts in the store", "facts of the patient", "processor ms", "p50 ms", "p95 ms", "most ms")
    notes = ["order-sign, alone: token verified, draft judged, card and access committed; target p95 ≤ 300 ms"]
    return Table("A card for an order that is being signed", columns, rows, notes)


def _asked(client: HookClient, patient: int) -> list[float]:
    number = {"system": SYSTEM, "value": str(7_000_000 + patient), "type": concept(("x", "MR"))}
    body = a_request("order-sign", an_order(DOSE, status="draft"), prefetch={"patient": a_patient(identifier=[number])})
    took = []
    for _ in range(REPEATS):
        began = perf_counter()
        answer = client.asks("ivig-order-sign", body)
        took.append(perf_counter() - began)
        assert answer.json()["cards"][0]["indicator"] == "critical"
    return took
