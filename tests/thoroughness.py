"""How long the tests that could go on for ever go on: `make test` looks, `make test-thorough` looks closely."""

import os

THOROUGH = os.environ.get("THOROUGH") == "1"

STORIES = 1000 if THOROUGH else 20  # drawn for each property and database
SECONDS = 60 if THOROUGH else 3  # of workers in each other's way
FAULTS = 100 if THOROUGH else 6  # in a row, in the middle of a backlog
BACKLOG = 4000 if THOROUGH else 900  # messages, about
FROZEN_S = 30.0 if THOROUGH else 12.0  # longer than any time limit on a socket
CHAINS_KILLED = 1_000 if THOROUGH else 20  # that go on while whoever carries them on is killed
# In a simulated week, or in a day; each costs some 0.1 s. A week of a large hospital has 10,000.
ALERTS_OF_A_WARD = int(os.environ.get("ALERTS_OF_A_WARD", "1000" if THOROUGH else "30"))
