"""Our reader beside hl7apy's: on every field that hl7apy reads right, they agree.

Where they do not, `oracle_disagreements.csv` names the message and the place, and `oracle.REASONS` says why.
"""

from collections import Counter

import pytest

from tests.corpus import Source, messages_of, sources
from tests.parsers import oracle


@pytest.fixture(scope="module")
def listed() -> dict[tuple[str, str], str]:
    return oracle.listed()


@pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
def test_we_read_what_hl7apy_reads_but_where_the_table_says_why_not(
    source: Source, listed: dict[tuple[str, str], str]
) -> None:
    fields, found = 0, []
    for name, raw in messages_of(source):
        compared = oracle.compare(name, raw)
        fields += compared.fields
        found += compared.disagreements

    named = {message for message, _ in listed}
    assert [each for each in found if each.reason not in oracle.REASONS] == []
    assert [each for each in found if each.message in named and (each.message, each.place) not in listed] == []
    assert fields > len(found)


def test_every_reason_of_the_table_is_explained(listed: dict[tuple[str, str], str]) -> None:
    assert Counter(listed.values()).keys() <= oracle.REASONS.keys()
