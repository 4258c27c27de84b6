"""A short run of the fuzzing, always the same; `python -m bench.fuzz --seconds 600` is the long one."""

import random
import re
import subprocess
import sys
from itertools import islice
from pathlib import Path

from bench.fuzz import damaged
from bench.fuzz_target import check

ROOT = Path(__file__).parents[2]


def run(module: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", module, *words], cwd=ROOT, capture_output=True, text=True, timeout=200)


def test_framer_reader_and_answer_hold_for_bytes_that_look_for_new_paths() -> None:
    done = run("bench.fuzz", "--runs", "600", "--seed", "1")

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert re.search(r"Done 600 runs|600 inputs", done.stdout + done.stderr)


def test_framer_reader_and_answer_hold_for_damaged_samples() -> None:
    for data in islice(damaged(random.Random(2)), 500):
        check(data)


def test_memory_does_not_grow_with_bad_frames() -> None:
    done = run("bench.bad_frames", "--frames", "10000")

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"10000 bad frames: [+-]\d", done.stdout)
