"""The page of figures: what was alerted, how soon somebody was on it, and what became of it."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from inbox.figures.counts import alert_figures, periods
from inbox.figures.drawing import drawn
from inbox.figures.review import review
from inbox.figures.tables import FigureRow, FigureTable, as_csv
from store import tables
from tests.inbox.builders import NOW, a_case, a_conclusion, a_finding, a_person, an_event
from tests.inbox.sites import Client, Site, sign_in

ZONE = ZoneInfo("Europe/Amsterdam")
MINUTE = timedelta(minutes=1)


def a_week_of_alerts(connection: sa.Connection) -> None:
    """Three alerts: one taken on after an hour and overridden, one opened again and waiting, one on the worklist."""
    reasons = [
        a_case(connection, patient=a_person(connection, str(each), str(each)), number=str(each)) for each in (1, 2)
    ]
    quiet = a_conclusion(findings=[a_finding(tier="moderate")], channel="worklist")
    third = a_case(connection, patient=a_person(connection, "3", "3"), number="3", told=quiet, tier="moderate")
    answers = dict(connection.execute(sa.select(tables.alert.c.id, tables.alert.c.assessment_id)).all())
    first, second = reasons
    an_event(connection, first, kind="taken_on", actor="els", at=NOW + 60 * MINUTE, assessment_id=answers[first])
    settled = {"kind": "overridden", "actor": "els", "reason": "benefit_outweighs", "assessment_id": answers[first]}
    an_event(connection, first, at=NOW + 70 * MINUTE, **settled)
    an_event(connection, second, kind="acknowledged", actor="els", at=NOW + 4 * MINUTE, assessment_id=answers[second])
    an_event(connection, second, kind="reopened", at=NOW + 9 * MINUTE, assessment_id=answers[second])
    an_event(connection, third, kind="comment", actor="els", at=NOW + MINUTE)
    test = a_case(connection, patient=a_person(connection, "4", "4"), number="4", badges=["test"])
    an_event(connection, test, kind="taken_on", actor="els", at=NOW + MINUTE, assessment_id=answers[first])


def test_alerts_are_counted_by_channel_and_tier_without_tests_and_the_time_to_an_answer(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        a_week_of_alerts(connection)

        found = alert_figures(connection, "week", NOW + 2 * 60 * MINUTE, ZONE)

    assert [each.begins for each in found.counts][-2:] == [date(2026, 11, 9), date(2026, 11, 16)]
    assert len(found.counts) == 12
    assert dict(found.counts[-1].by_channel) == {"interrupt": 3, "worklist": 1}
    assert dict(found.counts[-1].by_tier) == {"contraindication": 3, "moderate": 1}
    assert not any(each.by_tier for each in found.counts[:-1])
    assert [(each.tier, each.answered, each.waiting, each.median, each.p90) for each in found.answers] == [
        ("contraindication", 2, 1, 4, 60),
        ("high", 0, 0, None, None),
        ("moderate", 0, 1, None, None),
    ]


def test_reasons_and_rules_are_those_of_the_review(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        a_week_of_alerts(connection)

        found = review(connection, {"IG-VTE-001": "Prior VTE"})

    assert found.reasons == {"benefit_outweighs": 1}
    assert [(each.rule, each.kept, each.overridden, dict(each.reasons)) for each in found.rules] == [
        ("IG-VTE-001", 1, 1, {"benefit_outweighs": 1})
    ]


@pytest.mark.parametrize(
    ("step", "now", "first", "last"),
    [
        ("day", datetime(2026, 11, 21, 23, 30, tzinfo=UTC), date(2026, 10, 26), date(2026, 11, 22)),  # Sunday here
        ("week", datetime(2026, 11, 22, 23, 30, tzinfo=UTC), date(2026, 9, 7), date(2026, 11, 23)),  # Monday here
    ],
)
def test_days_and_weeks_begin_at_midnight_in_the_hospital(step: str, now: datetime, first: date, last: date) -> None:
    shown = periods(step, now, ZONE)  # type: ignore[arg-type]  # one of the two

    assert (shown[0], shown[-1]) == (first, last)


def test_the_page_draws_the_figures_with_a_table_beside_each_and_names_nobody(page: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        a_week_of_alerts(connection)

    shown = page.get("/figures").text
    by_day = page.get("/figures?step=day").text

    assert shown.count('<svg class="tl wide"') == shown.count('<svg class="tl narrow"') == 5
    assert '<th scope="row">16 Nov</th><td>3</td><td>1</td>' in shown
    assert '<th scope="row">21 Nov</th><td>3</td><td>1</td>' in by_day
    assert '<th scope="row">Contraindication</th><td>4</td><td>60</td><td>2</td><td>1</td>' in shown
    assert "IG-VTE-001" in shown
    for kept_out in ("1000001", "Jansen", 'href="/alerts/', 'href="/patients/', "els</"):
        assert kept_out not in shown.partition("<main")[2]


def test_without_alerts_it_says_that_there_is_nothing_to_draw(one_page: Client) -> None:
    shown = one_page.get("/figures").text

    assert shown.count("There is nothing to draw in this period.") == 5
    assert '<svg class="tl wide"' not in shown


def test_what_is_shown_can_be_taken_as_a_file(page: Client, site: Site) -> None:
    with site.engine.begin() as connection:
        a_week_of_alerts(connection)

    found = page.get("/figures/channels.csv?step=week")
    rows = list(csv.reader(io.StringIO(found.text)))

    assert found.headers["content-type"].startswith("text/csv")
    assert 'filename="channels.csv"' in found.headers["content-disposition"]
    assert rows[0] == ["From", "With a notice", "Worklist"]
    assert rows[-1] == ["16 Nov", "3", "1"]
    assert len(rows) == 13
    assert page.get("/figures/nothing.csv").status_code == 404


def test_a_program_reads_the_same_tables_in_its_language(one_client: Client, one_site: Site) -> None:
    with one_site.engine.begin() as connection:
        a_week_of_alerts(connection)
    headers = one_site.token("viewer") | {"Accept-Language": "nl"}

    found = one_client.get("/api/v1/figures?step=week", headers=headers).json()["tables"]

    assert [each["name"] for each in found] == ["channels", "tiers", "answers", "reasons", "rules"]
    assert found[0]["rows"][-1] == {"label": "16 nov", "values": [3, 1]}
    assert found[2]["heads"][0] == "Mediaan (min)"
    assert one_client.get("/api/v1/figures?step=year", headers=headers).status_code == 400


def test_an_operator_sees_no_figures_and_nobody_without_signing_in(one_client: Client, one_site: Site) -> None:
    stranger = one_client.get("/figures", follow_redirects=False).status_code
    one_site.add_user("otto", role="operator")
    sign_in(one_client, "otto")

    assert stranger == 303
    assert one_client.get("/figures").status_code == 403


def test_a_drawing_stacks_its_series_and_thins_its_labels_where_they_would_meet() -> None:
    rows = tuple(FigureRow(f"{day} nov", (day, 28 - day)) for day in range(1, 29))
    drawing = str(drawn(FigureTable("x", "Title", "From", ("a", "b"), rows, in_time=True, drawn=2)))
    wide, narrow = drawing.split("</svg>")[:2]

    assert wide.count('class="given"') == narrow.count('class="given"') == 28
    assert (wide.count(" nov</text>"), narrow.count(" nov</text>")) == (14, 5)
    assert "28 nov</text>" in narrow


def test_a_word_of_a_site_is_text_in_a_drawing_and_one_field_in_a_file() -> None:
    table = FigureTable("x", "T", "R", ("n",), (FigureRow('<b> "quoted", and', (2,)),))

    assert "&lt;b&gt;" in drawn(table)
    assert list(csv.reader(io.StringIO(as_csv(table)))) == [["R", "n"], ['<b> "quoted", and', "2"]]
