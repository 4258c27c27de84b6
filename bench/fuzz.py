"""Fuzzing of framer, reader and answer: `python -m bench.fuzz --seconds 600`.

With atheris (on Linux, x86-64) it is guided by coverage; elsewhere samples are damaged at random.
"""

import argparse
import importlib.util
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic

SAMPLES = Path(__file__).parents[1] / "tests" / "samples"
TOKENS = (
    *(
        b"MSH|^~\\&|",
        b"PID|",
        b"ORC|",
        b"RXE|",
        b"RXO|",
        b"RXA|",
        b"TQ1|",
        b"OBX|",
        b"DG1|",
        b"PRB|",
        b"MRG|",
        b"BHS|",
        b"FTS|",
    ),
    *(b"\x0b", b"\x1c\r", b"\r", b"\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b'""', b"\\X0D\\", b"\\.br\\", b"^QD^D5"),
    *(
        b"RDE^O11",
        b"ADT^A40",
        b"20250310",
        b"g/kg",
        b"mL",
        b"J06BA02^^ATC",
        b"8859/1",
        b"UNICODE UTF-8",
        b"&",
        b"~",
        b"-1",
        b"1.000",
    ),
)


def main() -> int:
    """Run for so many inputs or so many seconds; 0 when nothing was found."""
    asked = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    asked.add_argument("--seconds", type=int, default=0, help="how long")
    asked.add_argument("--runs", type=int, default=0, help="how many inputs")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--unguided", action="store_true", help="without atheris")
    options = asked.parse_args()
    if not (options.seconds or options.runs):
        options.seconds = 60
    if options.unguided or importlib.util.find_spec("atheris") is None:
        return _at_random(options.seconds, options.runs, options.seed)
    return _guided(options.seconds, options.runs, options.seed)


def seeds() -> list[bytes]:
    """Return the samples as they come over a link."""
    return [b"\x07\x0b" + path.read_bytes() + b"\x1c\r" for path in sorted(SAMPLES.glob("*.hl7"))]


def _guided(seconds: int, runs: int, seed: int) -> int:
    import atheris

    with atheris.instrument_imports(include=["parsers", "listener"]):
        from bench.fuzz_target import check
    with tempfile.TemporaryDirectory() as folder:
        known, words = Path(folder) / "seeds", Path(folder) / "words"
        known.mkdir()
        for number, data in enumerate(seeds()):
            (known / str(number)).write_bytes(data)
        words.write_text("".join(f'"{_quoted(token)}"\n' for token in TOKENS))
        limits = [f"-runs={runs}" if runs else "", f"-max_total_time={seconds}" if seconds else ""]
        flags = [f"-dict={words}", "-max_len=4096", "-timeout=20", f"-seed={seed}", "-print_final_stats=1"]
        atheris.Setup([sys.argv[0], *filter(None, limits), *flags, "-artifact_prefix=./fuzz-", str(known)], check)
        atheris.Fuzz()  # ends the process itself: 0, or not 0 after printing what it found
    return 0


def _quoted(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)


def _at_random(seconds: int, runs: int, seed: int) -> int:
    from bench.fuzz_target import check

    until = monotonic() + seconds if seconds else None
    done = 0
    for data in damaged(random.Random(seed)):
        check(data)
        done += 1
        if (runs and done >= runs) or (until is not None and monotonic() > until):
            break
    print(f"{done} inputs, unguided: nothing found")
    return 0


def damaged(chance: random.Random, known: Sequence[bytes] = ()) -> Iterator[bytes]:
    """Samples with pieces cut out, doubled, moved, replaced or put in, for ever."""
    known = known or seeds()
    while True:
        data = bytearray(chance.choice(known))
        for _ in range(chance.randint(1, 16)):
            at = chance.randrange(len(data) + 1)
            end = at + chance.choice((0, 0, 1, 1, 2, 8, 40, 400))
            other = chance.choice(known)
            start = chance.randrange(len(other))
            data[at:end] = chance.choice(
                (b"", chance.choice(TOKENS), other[start : start + 60], bytes(data[at:end]) * 2)
            )
        yield bytes(data[:6000])


if __name__ == "__main__":
    sys.exit(main())
