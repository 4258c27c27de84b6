"""The citizen service number on the page."""

import pytest

from clinical.identities import mask
from inbox.http.masking import mask_in_text, masker
from inbox.http.settings import BSN_AUTHORITIES


def test_only_the_end_of_a_number_is_shown() -> None:
    assert mask("999900018") == "••••••018"


@pytest.mark.parametrize(
    "sent",
    [
        "999900018^^^NLMINBIZA^NNNLD",
        "999900018^^^&2.16.840.1.113883.2.4.6.3&ISO^NNNLD",
        "999900018#@@@NLMINBIZA@NNNLD",
        "99990018^^^NLMINBIZA^NI",
    ],
)
def test_a_citizen_service_number_in_a_message_is_masked_however_it_is_delimited(sent: str) -> None:
    shown = mask_in_text(f"PID|1||1000001^^^ZKHA^PI~{sent}||Jansen", BSN_AUTHORITIES)

    assert "99990" not in shown
    assert "1000001^^^ZKHA^PI" in shown


def test_a_hospital_number_beside_it_is_left_alone() -> None:
    line = "PID|1||100000123^^^ZKHA^PI~1^^^NLMINBIZA^NNNLD"

    assert mask_in_text(line, BSN_AUTHORITIES) == line


def test_a_number_typed_in_a_sentence_is_hidden_and_that_of_an_order_is_not() -> None:
    raw = "MSH|^~\\&|EPD|ZKHA|||20261121||ORM^O01|1|P|2.5\rORC|NW|999900018^EPD\rNTE|1||moeder 999900018 had DVT\r"

    shown = masker(raw.encode(), BSN_AUTHORITIES)(raw)

    assert "NTE|1||moeder ••••••018 had DVT" in shown
    assert "ORC|NW|999900018^EPD" in shown
