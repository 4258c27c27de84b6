"""One more message of a patient who has IVIg every four weeks and blood taken every day: after a month, and a year."""

from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter

from bench.messages import daily_results, order, thrombosis
from bench.report import Table, ms
from bench.services import DATABASES, surroundings
from rules.load import load_knowledge
from store.engine import connect
from tests.journeys.hospital import Clock, Hospital

MONTHS = (1, 3, 12)
FOUR_WEEKS = 28
REPEATS = 15


def measure() -> Table:
    """Give a history of so many months, and time what comes after it."""
    rows = []
    for database in DATABASES:
        with surroundings(database) as place:
            engine = connect(place.database_url)
            hospital = Hospital(engine, load_knowledge(), clock=Clock(datetime.now(UTC)))
            for months in MONTHS:
                orders, facts = _lives(hospital, months)
                rows.append([database, str(months), str(orders), f"{facts:,}", ms(_one_more(hospital, months))])
            engine.dispose()
    columns = ("database", "months", "IVIg orders", "facts", "ms for one more result")
    notes = ["a message of four results, alone: read, recorded, every order of the patient judged again, committed"]
    return Table("A history that grows", columns, rows, notes)


def _lives(hospital: Hospital, months: int) -> tuple[int, int]:
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


def _one_more(hospital: Hospital, months: int) -> float:
    took = []
    for hour in range(REPEATS):
        ids = hospital.receives(daily_results(months, hospital.clock() + timedelta(hours=hour)))
        began = perf_counter()
        hospital.processes(ids)
        took.append(perf_counter() - began)
    return median(took)
