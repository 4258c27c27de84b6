"""What the layout of a text says, in words."""

import pytest

from tests.knowledge_folders import our_knowledge


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Ziekte | ja | nee\nDVT | | x", "DVT: nee."),
        ("Condition | No | Yes\nDVT | | x (2014)", "DVT: ja (2014)."),
        ("| Antécédents | Oui | Non |\n| Phlébite | x | |", "Phlébite: ja."),
        ("Ziekte | ja | nee\nDVT | | ", "DVT: niet ingevuld."),
        ("links | rechts | beide\nDVT | x | ", "links | rechts | beide\nDVT | x | "),
        ("Thrombose (I80.2 V)", "V.a. Thrombose (I80.2). "),
    ],
)
def test_columns_and_marks_are_written_as_sentences(written: str, read: str) -> None:
    assert our_knowledge().terms.words.layout.in_sentences(written) == read
