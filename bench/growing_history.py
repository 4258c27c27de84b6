"""One more message of a patient who has IVIg every four weeks and blood taken every day: after 1, 12, 60 months."""

from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter, process_time

from bench.messages import daily_results, order, thrombosis
from bench.report import Table, ms
from bench.services import DATABASES, surroundings
from rules.load import load_knowledge
from store.engine import connect
from tests.journeys.hospital import Clock, Hospital

MONTHS = (1, 12, 60)
FOUR_WEEKS = 28
REPEATS = 15


def measure() -> Table:
    """Build a history of so many months, and time what comes after it."""
    rows = []
    for database in DATABASES:
        with surroundings(database) as place:
            engine = connect(place.database_url)
            hospital = Hospital(engine, load_knowledge(), clock=Clock(datetime.now(UTC)))
            for months in MONTHS:
                orders, facts = lives(hospital, months)
                rows.append([database, str(months), str(orders), f"{facts:,}", *map(ms, _one_more(hospital, months))])
            engine.dispose()
    columns = ("database", "months", "IVIg orders", "facts", "ms for one more result", "ms of the processor")
    notes = [
        "a message of four results, alone: read, recorded, judged, committed; the worker has judged the patient before",
        "the processor is the worker's; PostgreSQL has its own",
    ]
    return Table("A history that grows", columns, rows, notes)


def lives(hospital: Hospital, months: int) -> tuple[int, int]:
    """Tell the history; a patient's number is that of the months."""
    days = 30 * months
    began = hospital.clock() - timedelta(days=days)
    told, orders = [thrombosis(months, began)], 0
    for day in range(days):
        at = began + timedelta(days=day)
        told.append(daily_results(months, at))
        if day % FOUR_WEEKS == 0:
            orders += 1
            told.append(order(months, at, number=months * 1000 + day))
    hospital.sends(*told)
    return orders, int(
        hospital.rows(
            f"SELECT count(*) FROM fact f JOIN patient p ON p.id = f.patient_id WHERE p.value = '{7_000_000 + months}'"
        )[0][0]
    )


def _one_more(hospital: Hospital, months: int) -> tuple[float, float]:
    """Return the seconds that the next result takes: by the clock, and of this process."""
    took, worked = [], []
    for hour in range(REPEATS):
        ids = hospital.receives(daily_results(months, hospital.clock() + timedelta(hours=hour)))
        began, before = perf_counter(), process_time()
        hospital.processes(ids)
        took.append(perf_counter() - began)
        worked.append(process_time() - before)
    return median(took), median(worked)
