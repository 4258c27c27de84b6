"""What is wrong with a feed stands above every page, on the page of notices and in the figures, in both languages."""

from datetime import timedelta

import pytest

from clinical.words import Language
from store import feeds, incidents
from tests.inbox.builders import NOW
from tests.inbox.sites import Site, sign_in

FOUND = {
    "nl": {
        "idle": "De verbinding met bron cpoe staat open, maar er komt niets binnen sinds",
        "parked": "Berichten van bron lab worden aangenomen en dan geparkeerd (ORU^R01 3), sinds",
        "gap": "Er ontbreken berichten van bron lab (MSH-10 7-9), opgemerkt op",
        "undeclared": "Er komen berichten van een bron die niet in de instellingen staat (PACS|C4), sinds",
    },
    "en": {
        "idle": "The link of feed cpoe is open, but nothing has been sent since",
        "parked": "Messages of feed lab are accepted and then parked (ORU^R01 3), since",
        "gap": "Messages of feed lab are missing (MSH-10 7-9), noticed on",
        "undeclared": "A feed that the site file does not name is sending (PACS|C4), since",
    },
}

LIMITS = {
    "nl": [
        "mag hoogstens 15 min stil zijn",
        "mag op dit uur hoogstens 2 uur stil zijn (geleerd)",
        "verbinding open",
        "geen maximale stilte ingesteld",
    ],
    "en": [
        "may be silent for 15 min",
        "may be silent for 2 h at this hour (learned)",
        "link open",
        "no limit to silence set",
    ],
}


@pytest.fixture
def faulty(one_site: Site) -> Site:
    """A hospital with a feed that is linked and idle, one that loses messages, and a sender nobody declared."""
    one_site.add_user("els")
    with one_site.engine.begin() as connection:
        feeds.declare(connection, {"cpoe": 900, "lab": None, "archive": None}, NOW, ("archive",))
        numbers = feeds.ids_of(connection, ["cpoe", "lab", "PACS|C4"])
        feeds.heard(connection, numbers["cpoe"], NOW - timedelta(minutes=16))
        feeds.linked(connection, ["cpoe"], NOW - timedelta(seconds=20))
        feeds.heard(connection, numbers["lab"], NOW)
        feeds.learn(connection, numbers["lab"], 7200)
        incidents.begin(connection, "parked", "lab", "ORU^R01 3", NOW)
        incidents.begin(connection, "gap", "lab", "MSH-10 7-9", NOW)
        incidents.begin(connection, "undeclared", f"feed-{numbers['PACS|C4']}", "not in the site file", NOW)
    return one_site


@pytest.mark.parametrize("language", ["nl", "en"])
def test_what_is_wrong_with_a_feed_stands_above_every_page(faulty: Site, language: Language) -> None:
    with faulty.client(languages=(language,)) as client:
        client = sign_in(client, "els")
        banners, page = client.get("/banners").text, client.get("/notices").text

    for kind in ("idle", "parked", "gap", "undeclared"):
        assert FOUND[language][kind] in banners
    for each in LIMITS[language]:
        assert each in page


def test_a_feed_that_is_not_linked_is_silent_and_no_more(faulty: Site) -> None:
    faulty.now = NOW + timedelta(minutes=5)
    with faulty.client(languages=("en",)) as client:
        banners = sign_in(client, "els").get("/banners").text

    assert "Feed cpoe has been silent since" in banners
    assert "is open" not in banners


def test_the_figures_count_what_is_wrong_and_name_no_feed(faulty: Site) -> None:
    with faulty.client() as client:
        figures = client.get("/metrics", headers=faulty.token("operator")).text

    for line in (
        'ivigilant_incidents{kind="gap"} 1.0',
        'ivigilant_incidents{kind="parked"} 1.0',
        'ivigilant_incidents{kind="undeclared"} 1.0',
    ):
        assert line in figures
    assert "PACS" not in figures
    assert "cpoe" not in figures
