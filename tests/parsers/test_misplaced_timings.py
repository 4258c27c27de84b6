"""Frequencies, times, routes and rates that stand where no standard puts them, as real senders write them."""

import pytest

from tests.parsers.medication.order_builders import IVIG, ORC, ends, the_order


@pytest.mark.parametrize(
    "words", ["Give every 24 (twenty-four) hours", "every 24 hours", "1x per 24 (vierentwintig) uur"]
)
def test_a_number_that_is_spelled_out_beside_it_is_read_once(words: str) -> None:
    (timing,) = the_order("ORC|NW|1^EPD", f"RXO|{IVIG}|30||g|||^{words}").timings

    assert timing.period_hours == 24


def test_a_start_and_an_end_a_component_too_early_are_read_there() -> None:
    (timing,) = the_order("ORC|NW|1^EPD", f"RXE|1^QD&&HL70335^20250310^20250314|{IVIG}|30||g").timings

    assert timing.starts is not None
    assert timing.ends is not None
    assert [timing.starts.at.day, timing.ends.at.day, timing.occurrences] == [9, 13, (5, 5)]  # midnight here, in UTC


@pytest.mark.parametrize(
    ("segment", "hours"),
    [
        ("TQ1|1||QD||20250310|20250314||240^min", 4),
        ("TQ1|1||QD|||20250310|20250314", None),
    ],
)
def test_a_start_and_an_end_a_field_or_two_too_early_are_read_there(segment: str, hours: int | None) -> None:
    (timing,) = the_order("ORC|NW|1^EPD", f"RXE||{IVIG}|30||g", segment).timings

    assert timing.starts is not None
    assert timing.starts.at.day == 9
    assert timing.occurrence_hours == hours


def test_dates_in_their_place_count_before_others() -> None:
    (timing,) = the_order("ORC|NW|1^EPD", f"RXE||{IVIG}|30||g", "TQ1|1||QD|||20250301|20250310|20250314").timings

    assert timing.starts is not None
    assert (timing.starts.at.day, timing.occurrences) == (9, (5, 5))


@pytest.mark.parametrize("sent", ["^Q8@0600,1400,2200", "^Q8&0600,1400,2200", "^Q8H&0600 1400 2200"])
def test_clock_times_are_read_however_they_are_divided(sent: str) -> None:
    (timing,) = the_order("ORC|NW|1^EPD", f"RXE|{sent}|{IVIG}|30||g").timings

    assert timing.period_hours == 8
    assert timing.clock_times == ("0600", "1400", "2200")


@pytest.mark.parametrize("clocks", ["0800&1400", "0800,1400", "0800~1400"])
def test_the_clock_times_of_a_tq1_are_read_however_they_are_divided(clocks: str) -> None:
    (timing,) = the_order("ORC|NW|1^EPD", f"RXE||{IVIG}|30||g", f"TQ1|1||BID|{clocks}").timings

    assert timing.clock_times == ("0800", "1400")


@pytest.mark.parametrize(("lasts", "times"), [("5 dose(s)", (5, 5)), ("5 Day(s)", (5, 5)), ("HL70335", None)])
def test_a_duration_in_words_is_read_and_the_table_of_the_pattern_is_none(
    lasts: str, times: tuple[int, int] | None
) -> None:
    (timing,) = the_order("ORC|NW|1^EPD", f"RXE|1^Daily^{lasts}|{IVIG}|30||g").timings

    assert timing.occurrences == times
    assert "duration_unread" not in timing.flags


@pytest.mark.parametrize(
    "segment",
    [
        f"RXE|^^^20250310|{IVIG}|30||g|FCO|IV|QD^Una vez al dia",
        f"RXE|^^^20250310^^E|{IVIG}|30||g|VIAL|IV||||1|DOSE|Q24H",
        f"RXE|1|{IVIG}||30|g|Solution|IV||OD",
        f"RXO|{IVIG}||30g|IV|QD",
    ],
)
def test_a_frequency_among_the_fields_after_the_units_counts_where_no_timing_tells_one(segment: str) -> None:
    order = the_order("ORC|NW|1^EPD", segment)

    assert [timing.period_hours for timing in order.timings] == [24]
    assert "pattern_misplaced" in order.flags
    assert ends(order.dose) == (30, 30, "g")


def test_a_frequency_in_its_place_counts_before_one_elsewhere() -> None:
    (timing,) = the_order(ORC, f"RXE|^Q4W|{IVIG}|30||g|||BID").timings

    assert timing.period_hours == 672


@pytest.mark.parametrize(
    ("segment", "route"),
    [
        (f"RXE||{IVIG}|30||g|SC^Subcutaneous^HL70162", "SC"),
        (f"RXO|{IVIG}|0.4|g/kg||IV||over 4 uur", "IV"),
        (f"RXO|{IVIG}||30g|IV|QD", "IV"),
        (f"RXE||{IVIG}|30||g|INFVLST|I.V.", "I.V."),
    ],
)
def test_a_route_among_the_fields_after_the_amount_counts_where_no_rxr_came(segment: str, route: str) -> None:
    assert [coding.code for coding in the_order(ORC, segment).routes] == [route]


def test_an_rxr_counts_before_a_route_elsewhere() -> None:
    order = the_order(ORC, f"RXE||{IVIG}|30||g|SC", "RXR|IV")

    assert [coding.code for coding in order.routes] == ["IV"]


def test_a_rate_one_field_too_early_is_the_rate_and_no_give_per_time() -> None:
    order = the_order(ORC, f"RXE||{IVIG}|30||g" + "|" * 17 + "60|mL/hr")

    assert ends(order.rate) == (6, 6, "g/h")
    assert "give_per_unread" not in order.flags
    assert order.rate is not None
    assert order.rate.basis.startswith("RXE[1]-22")


def test_a_give_per_time_before_a_rate_in_its_place_stays_one() -> None:
    order = the_order(ORC, f"RXE||{IVIG}|30||g" + "|" * 17 + "H5|60|mL/hr")

    assert ends(order.rate) == (6, 6, "g/h")


def test_a_priority_in_the_place_of_the_frequency_leaves_the_words_to_tell_it() -> None:
    order = the_order("ORC|NW|1^EPD|||||1^ROUTINE", f"RXO|{IVIG}|30||g|||dagelijks, 5 dagen")

    assert [timing.period_hours for timing in order.timings] == [24]
    assert [timing.occurrences for timing in order.timings] == [(5, 5)]


def test_an_unknown_frequency_leaves_a_known_one_in_the_priority_to_tell_it() -> None:
    (timing,) = the_order("ORC|NW|1^EPD", f"RXE||{IVIG}|30||g", "TQ1|1||1||||||QAM^Every morning").timings

    assert timing.period_hours == 24
    assert "pattern_in_priority" in timing.flags


def test_an_unknown_frequency_that_nothing_explains_stays_unknown() -> None:
    (timing,) = the_order("ORC|NW|1^EPD", f"RXE|1^SCHEMA7|{IVIG}|30||g").timings

    assert timing.period_hours is None
    assert "unknown_pattern" in timing.flags
