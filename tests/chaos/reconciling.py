"""The sender's acknowledgements held against what the database says in the end."""

import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from store.dump import dump
from tests.chaos.sender import Sending
from tests.ivigilant.waiting import soon

ENDS = {"processed", "ignored"}


def settle(engine: sa.Engine, sending: Sending, tend: Callable[[], None], still_s: float = 90.0) -> None:
    """Wait until everything is sent, and nothing waits in the database; never so long without seeing anything move."""
    moved, before = time.monotonic(), (-1, -1)
    while True:
        tend()
        if not sending.busy and _count(engine, "SELECT count(*) FROM message WHERE state = 'received'") == 0:
            return
        now = (len(sending.codes), count_ended(engine))
        if now != before:
            moved, before = time.monotonic(), now
        assert time.monotonic() < moved + still_s, f"nothing moves: {now} of {len(sending.messages)} answered and ended"
        time.sleep(0.1)


def reach(moment: int, ended: Callable[[], int], tend: Callable[[], None]) -> None:
    """Wait until so many messages have ended; what ends itself meanwhile is started again."""

    def reached() -> bool:
        tend()
        return ended() >= moment

    soon(reached, within_s=120)


def reconcile(engine: sa.Engine, sending: Sending, undisturbed: list[bytes]) -> None:
    """Every acknowledged message has ended well, every IVIg order has an answer, and all is as if nothing happened."""
    assert len(sending.acknowledged) == len(sending.messages)
    assert {code for codes in sending.codes.values() for code in codes} == {"AA"}
    whole = _rows(engine, "SELECT control_id, state FROM message WHERE coalesce(reason, '') <> 'truncated_frame'")
    assert sorted(row[0] for row in whole) == sorted(sending.acknowledged)
    assert {row[0]: row[1] for row in whole if row[1] not in ENDS} == {}
    assert _rows(engine, ORDERS_WITHOUT_ANSWER) == []
    assert _rows(engine, RAISED_TWICE) == []
    now = state_of(engine)
    assert sorted(set(now) ^ set(undisturbed)) == []
    assert len(now) == len(undisturbed)


def count_ended(engine: sa.Engine) -> int:
    """How many messages somebody has dealt with."""
    return _count(engine, "SELECT count(*) FROM message WHERE state <> 'received'")


def state_of(engine: sa.Engine) -> list[bytes]:
    """Everything that must not depend on what happened."""
    with engine.connect() as connection:
        return list(dump(connection))


def expect_no_answers(sending: Sending) -> None:
    """See links closed again and again, and no message acknowledged meanwhile."""
    _await_refusals(sending)  # what had been answered before is read by now
    answered = len(sending.codes)
    _await_refusals(sending)
    assert len(sending.codes) == answered


def expect_nothing_kept(engine: sa.Engine, sending: Sending) -> None:
    """See links closed again and again, and nothing kept; acknowledged is at most what was kept before, sent again."""
    _await_refusals(sending)
    kept, answered = _kept(engine), set(sending.codes)
    _await_refusals(sending)
    assert set(sending.codes) - answered <= kept
    assert _kept(engine) == kept


def _kept(engine: sa.Engine) -> set[str]:
    return {row[0] for row in _rows(engine, "SELECT control_id FROM message")}


def _await_refusals(sending: Sending) -> None:
    """Wait until every link was closed once more."""
    before = dict(sending.broken)
    soon(lambda: all(sending.broken[link] > before.get(link, 0) for link in range(sending.links)))


def undelivered(engine: sa.Engine) -> list[str]:
    """The keys of what has not been sent."""
    return [row[0] for row in _rows(engine, "SELECT idempotency_key FROM delivery WHERE state <> 'sent'")]


def sent(engine: sa.Engine) -> set[str]:
    """The keys of the notices that have been sent; one may be of several deliveries."""
    return {row[0] for row in _rows(engine, "SELECT sent_as FROM delivery WHERE state = 'sent'")}


def alerts_told(engine: sa.Engine) -> set[str]:
    """The alerts of which a notice had to go out."""
    return {str(row[0]) for row in _rows(engine, "SELECT alert_id FROM delivery")}


ORDERS_WITHOUT_ANSWER = """
SELECT key FROM medication_order WHERE product_class IN ('ivig', 'possible_ivig') AND state <> 'absorbed'
AND NOT EXISTS (SELECT 1 FROM assessment WHERE assessment.order_id = medication_order.id)
"""
RAISED_TWICE = """
SELECT alert_id FROM alert_event WHERE kind = 'raised' GROUP BY alert_id HAVING count(*) > 1
UNION SELECT max(id) FROM alert GROUP BY order_id, stream HAVING count(*) > 1
"""


def _count(engine: sa.Engine, query: str) -> int:
    try:
        return int(_rows(engine, query)[0][0])
    except sa.exc.OperationalError:
        return -1  # the database is away as well


def _rows(engine: sa.Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(sa.text(query)).all())
