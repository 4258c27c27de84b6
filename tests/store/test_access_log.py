"""The access log is a chain, and what is changed in it afterwards is found."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from store import access_log, access_proof
from store.access_log import LineFilter
from store.access_proof import Root
from store.engine import reading
from tests.store.builders import NOW
from tests.store.tampering import (
    TAMPERINGS,
    a_line,
    add_line,
    drop_trigger,
    take_root,
    three_days,
    triggers,
    without_triggers,
    write,
)


def found(engine: sa.Engine, *outside: Root) -> set[str]:
    """The kinds of flaws, as `ivigilant audit verify` finds them."""
    with reading(engine) as connection:
        kinds = {flaw.kind for flaw in access_proof.flaws(connection, outside)}
    with engine.connect() as connection:
        kinds |= {flaw.kind for flaw in access_proof.unprotected(connection)}
        connection.rollback()
    return kinds


@pytest.fixture
def sealed(engine: sa.Engine) -> tuple[sa.Engine, Root]:
    return engine, three_days(engine)


def test_a_log_that_nobody_touched_has_no_flaw(sealed: tuple[sa.Engine, Root]) -> None:
    engine, root = sealed

    assert found(engine, root) == set()


def test_an_empty_log_has_no_flaw(engine: sa.Engine) -> None:
    assert found(engine, take_root(engine)) == set()


@pytest.mark.parametrize("name", TAMPERINGS)
def test_what_was_changed_behind_its_back_is_found(sealed: tuple[sa.Engine, Root], name: str) -> None:
    engine, root = sealed
    tamper, kind = TAMPERINGS[name]

    with without_triggers(engine) as connection:
        tamper(connection)

    assert kind in found(engine, root)


@pytest.mark.parametrize("change", ["UPDATE", "DELETE"])
@pytest.mark.parametrize("table", ["access_log", "access_seal", "access_root"])
def test_a_table_that_is_no_longer_protected_is_found(sealed: tuple[sa.Engine, Root], table: str, change: str) -> None:
    engine, root = sealed

    with engine.begin() as connection:
        for name, of, made in triggers(connection):
            if of == table and change in made.upper():
                drop_trigger(connection, name, of)

    assert found(engine, root) == {"not protected"}


@pytest.mark.parametrize(
    "switch",
    [
        "ALTER TABLE access_log DISABLE TRIGGER USER",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    ],
)
def test_protection_that_is_switched_off_is_found(postgres_engine: sa.Engine, switch: str) -> None:
    write(postgres_engine, a_line())
    root = take_root(postgres_engine)

    with postgres_engine.begin() as connection:
        connection.exec_driver_sql(switch)

    assert found(postgres_engine, root) == {"not protected"}


def test_lines_that_an_earlier_release_wrote_are_sealed_with_the_next_root(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        add_line(connection)
    before = found(engine)

    take_root(engine)
    write(engine, a_line())
    with engine.begin() as connection:
        add_line(connection)  # during an upgrade both releases write
    take_root(engine, NOW + timedelta(minutes=1))

    assert before == {"line without a seal"}
    assert found(engine) == set()


def test_a_line_that_is_slipped_in_later_is_never_sealed(engine: sa.Engine) -> None:
    write(engine, a_line())
    take_root(engine, NOW + timedelta(days=30))
    with engine.begin() as connection:
        add_line(connection)

    take_root(engine, NOW + timedelta(days=31))

    assert found(engine) == {"line without a seal"}


def test_lines_go_when_their_five_years_are_over_and_the_chain_goes_on(engine: sa.Engine) -> None:
    long_ago = datetime(2015, 5, 1, tzinfo=UTC)
    write(engine, a_line("old", at=long_ago), a_line("older", at=long_ago))
    early = take_root(engine, long_ago)
    write(engine, a_line("new"))
    with engine.begin() as connection:
        removed = access_log.remove_before(connection, NOW - timedelta(days=1830), "root", NOW)
    write(engine, a_line("newer"))

    with reading(engine) as connection:
        left = [line.actor for line in access_log.oldest_lines(connection, LineFilter())]
    assert (removed, left) == (2, ["new", "newer"])
    assert found(engine, early) == set()


def test_everything_may_be_old_enough_to_go(engine: sa.Engine) -> None:
    write(engine, a_line(at=datetime(2015, 5, 1, tzinfo=UTC)))
    with engine.begin() as connection:
        removed = access_log.remove_before(connection, NOW, "root", NOW)
    write(engine, a_line())

    assert removed == 1
    assert found(engine) == set()


def test_a_line_that_is_not_five_years_old_cannot_be_removed(engine: sa.Engine) -> None:
    write(engine, a_line())

    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        access_log.remove_before(connection, NOW + timedelta(days=1), "root", NOW)


def test_lines_are_found_by_patient_actor_action_outcome_and_time(sealed: tuple[sa.Engine, Root]) -> None:
    engine, _ = sealed

    def numbers(**wanted: object) -> list[int]:
        with reading(engine) as connection:
            return [line.id for line in access_log.newest_lines(connection, LineFilter(**wanted))]  # type: ignore[arg-type]  # as above

    assert numbers(patients=[8]) == [2]
    assert numbers(actor="rik") == [5, 2]
    assert numbers(action="acknowledge") == [3]
    assert numbers(outcome="refused") == []
    assert numbers(since=NOW + timedelta(days=1), until=NOW + timedelta(days=2)) == [3]
