"""docs/vignettes.md, written from a run: `make docs`, or python -m tests.journeys.vignette_table."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from rules.load import load_knowledge
from store import migrate
from store.engine import connect
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import pharmacist_of
from tests.journeys.vignettes import Answer, Vignette, read_vignettes, teller

PAGE = Path(__file__).parents[2] / "docs" / "vignettes.md"
HEAD = """\
# Worked cases and what becomes of them

Written by `make docs` from a run, and held to it by a test: every case below is turned into HL7 messages that go
through the listener's reception, the worker and the database, and is read back through the API. "Agreed" is what was
written down before; "found" is what the inbox shows. The cases, with everything that had to be assumed, are in
`tests/rules/vignettes.yaml`. S and a number point to the statements of the assessment this project implements.

A case after an infusion is told apart from the case of its order: it has an answer of its own.

No case shows that IVIg may or may not be given; it shows what a pharmacist is told.
"""
COLUMNS = ("case", "what happened", "agreed", "found", "rules that fired", "why")


def write_page(answers: Sequence[tuple[Vignette, Answer]]) -> str:
    """The page: the published cases, then the constructed ones."""
    rows = [(vignette, _row(vignette, answer)) for vignette, answer in answers]
    published = [row for vignette, row in rows if _is_published(vignette)]
    constructed = [row for vignette, row in rows if not _is_published(vignette)]
    agreed = sum(answer == vignette.expected for vignette, answer in answers)
    parts = [
        HEAD,
        f"{agreed} of {len(rows)} cases are as agreed.\n",
        "## Published cases\n",
        _table(published),
        "## Constructed cases\n",
        _table(constructed),
    ]
    return "\n".join(parts)


def _is_published(vignette: Vignette) -> bool:
    return "really happened" in vignette.told["origin"]


def _row(vignette: Vignette, answer: Answer) -> tuple[str, ...]:
    told = vignette.told
    what = told["origin"].partition(" - ")[0]
    happened = "; ".join(part for part in ("" if what == "constructed" else what, told.get("outcome", "")) if part)
    return (vignette.name, happened, str(vignette.expected), str(answer), ", ".join(answer.rules), told["why"])


def _table(rows: list[tuple[str, ...]]) -> str:
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def main() -> None:
    """Run every case on a fresh database, and write the page."""
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(f"sqlite:///{folder}/vignettes.db", durable=False)
        migrate.upgrade(engine)
        hospital = Hospital(engine, load_knowledge())
        with pharmacist_of(hospital) as pharmacist:
            tell = teller(hospital, pharmacist)
            PAGE.write_text(write_page([(each, tell(each)) for each in read_vignettes()]), encoding="utf-8")
        engine.dispose()


if __name__ == "__main__":
    main()
