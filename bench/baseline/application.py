"""The baseline's queue, table and task."""

import os

import sqlalchemy as sa
from celery import Celery
from hl7apy.parser import parse_message

app = Celery("baseline", broker=os.environ.get("BASELINE_REDIS", "redis://localhost"))
app.conf.update(task_ignore_result=True, worker_prefetch_multiplier=4)

metadata = sa.MetaData()
fact = sa.Table(
    "baseline_fact",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("control_id", sa.Text),
    sa.Column("patient", sa.Text, index=True),
    sa.Column("kind", sa.Text),
    sa.Column("code", sa.Text),
)
CODES = {"DG1": "dg1_3", "PRB": "prb_3", "OBX": "obx_3", "RXO": "rxo_1", "RXE": "rxe_2", "RXA": "rxa_5", "PR1": "pr1_3"}
_engines: list[sa.Engine] = []


def engine() -> sa.Engine:
    """One engine for each process, made in it."""
    if not _engines:
        _engines.append(sa.create_engine(os.environ["BASELINE_DATABASE"]))
    return _engines[0]


@app.task(name="baseline.keep")  # type: ignore[untyped-decorator]  # Celery has no types
def keep(text: str) -> None:
    """Read one message with hl7apy, and store its codes; judge nothing."""
    message = parse_message(text, find_groups=False)
    patient = message.pid.pid_3.pid_3_1.value if message.pid else ""
    rows = [
        {"control_id": message.msh.msh_10.value, "patient": patient, "kind": segment.name, "code": _code(segment)}
        for segment in message.children
        if segment.name in CODES
    ]
    with engine().begin() as connection:
        header = {"control_id": message.msh.msh_10.value, "patient": patient, "kind": "MSH", "code": ""}
        connection.execute(sa.insert(fact), [header, *rows])


def _code(segment: object) -> str:
    return str(getattr(segment, CODES[segment.name]).value)  # type: ignore[attr-defined]  # hl7apy has no types
