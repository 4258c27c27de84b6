"""A source belongs to the feed that fits it best, and to one of its own when none does."""

from collections.abc import Mapping

import pytest

from ivigilant.recognition import MOST_UNKNOWN, Recognition
from ivigilant.site import SiteFile
from listener.feeds import Origin

SITE = {
    "authority": "ZIS",
    "feeds": [
        {"name": "epd", "sending_application": "EPD"},
        {"name": "epd-oost", "sending_application": "EPD", "sending_facility": "OOST", "zone": "UTC"},
        {"name": "lab", "port": 2576, "ack_mode": "enhanced"},
        {"name": "pomp", "address": "10.9.0.0/16", "certificate": "pomp.zh"},
    ],
}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (Origin(2575, "10.1.1.1", sending_application="EPD", sending_facility="WEST"), "epd"),
        (Origin(2575, "10.1.1.1", sending_application="EPD", sending_facility="OOST"), "epd-oost"),
        (Origin(2576, "10.1.1.1", sending_application="GLIMS"), "lab"),
        (Origin(2575, "10.9.3.1", ("pomp.zh",)), "pomp"),
        (Origin(2575, "10.9.3.1", ("other.zh",)), "unknown"),
        (Origin(2575, "10.1.1.1", sending_application="X", sending_facility="Y"), "X|Y"),
    ],
)
def test_the_most_particular_feed_that_fits_is_chosen(source: Origin, name: str) -> None:
    assert recognition(SITE)(source).name == name


def test_a_feed_is_read_as_it_says_itself_and_else_as_the_site_says() -> None:
    feed = recognition(SITE)(Origin(2575, "10.1.1.1", sending_application="EPD", sending_facility="OOST"))

    assert (str(feed.defaults.zone), feed.defaults.authority) == ("UTC", "ZIS")


def test_an_unknown_source_is_parked_only_when_the_site_asks_for_it() -> None:
    stranger = Origin(2575, "10.1.1.1", sending_application="X")

    feeds = [recognition(SITE | {"unknown_sources": choice})(stranger) for choice in ("process", "park")]

    assert [(feed.known, feed.parks) for feed in feeds] == [(False, False), (False, True)]


def test_a_site_that_names_no_feed_knows_them_all() -> None:
    assert recognition({})(Origin(2575, "10.1.1.1", sending_application="X")).known


def test_invented_names_do_not_fill_the_house() -> None:
    find = recognition({})

    names = {find(Origin(2575, "::1", sending_application=str(n))).name for n in range(MOST_UNKNOWN + 50)}

    assert len(names) == MOST_UNKNOWN + 1


def recognition(site: Mapping[str, object]) -> Recognition:
    numbers: dict[str, int] = {}
    return Recognition(SiteFile.model_validate(site), lambda name: numbers.setdefault(name, len(numbers)))
