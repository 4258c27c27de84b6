"""Whether the API keeps its promise: `python -m bench.api --tools FOLDER`, a folder with the programs of three others.

Serves an inbox with alerts, codes and merges, and lets `schemathesis` try every call against the description, which
`openapi-spec-validator` judges and `openapi-python-client` makes a client of:

    python3 -m venv ../tools && ../tools/bin/pip install schemathesis openapi-spec-validator openapi-python-client
    .venv/bin/python -m bench.api --tools ../tools/bin
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.services import DATABASES, surroundings
from rules.load import load_knowledge
from store.engine import connect
from tests.inbox.builders import all_is_well
from tests.inbox.serving import serving
from tests.inbox.sites import Site
from tests.inbox.test_barriers import all_kinds

# A body may be as described and refused all the same, for what it says: a time that is over, somebody unknown.
SETTINGS = """
[[operations]]
include-method = "POST"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409"]
"""
ENDLESS = "/api/v1/events"


@contextmanager
def served(database: str) -> Iterator[tuple[str, str]]:
    """Serve an inbox; gives its address and the header of a program."""
    with surroundings(database) as place:
        engine = connect(place.database_url)
        with engine.begin() as connection:
            all_is_well(connection)
        site = Site(engine, load_knowledge())
        all_kinds(site)
        token = site.token("lead")["Authorization"]
        with serving(site) as address:
            yield address, token
        engine.dispose()


def tried(tools: Path, examples: int, database: str) -> int:
    """Let each program try the API on one database; return how many found something."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    with tempfile.TemporaryDirectory() as folder, served(database) as (address, token):
        work = Path(folder)
        headers = {"Authorization": token}
        (work / "schema.json").write_text(httpx.get(f"{address}/schema", headers=headers).text)
        (work / "schemathesis.toml").write_text(SETTINGS)
        asks = ["-H", f"Authorization: {token}", "--exclude-path", ENDLESS, "-n", str(examples), "--no-color"]
        commands = (
            ["openapi-spec-validator", "schema.json"],
            ["openapi-python-client", "generate", "--path", "schema.json", "--output-path", "c", "--fail-on-warning"],
            ["schemathesis", "run", "schema.json", "--url", address, *asks],
        )
        return sum(
            subprocess.run([str(tools / name), *options], cwd=work, env=environment, check=False).returncode != 0
            for name, *options in commands
        )


def main() -> int:
    """Try the API on each database."""
    asked = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    asked.add_argument("--tools", type=Path, required=True, help="the folder of the three programs")
    asked.add_argument("--examples", type=int, default=50, help="how many requests of each kind")
    options = asked.parse_args()
    return min(sum(tried(options.tools.resolve(), options.examples, database) for database in DATABASES), 1)


if __name__ == "__main__":
    sys.exit(main())
