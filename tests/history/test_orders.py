"""Orders folded from their events."""

from decimal import Decimal
from itertools import permutations

from clinical.events import OrderKeys
from clinical.quantities import Quantity
from history.entries import Entry
from history.orders import OrderState, fold_orders
from tests.history.builders import a_dose, an_order, entry, grams, moment


def fold(*entries: Entry) -> list[OrderState]:
    return fold_orders(sorted(entries, key=lambda one: one.version))


def test_a_new_order_is_active() -> None:
    (order,) = fold(entry(an_order()))

    assert (order.key, order.state) == ("EPD|1", "active")


def test_a_cancel_that_came_before_its_order_still_cancels_it() -> None:
    new, cancel = entry(an_order(), minute=1), entry(an_order(control="CA"), minute=5)

    for arrived in permutations([new, cancel]):
        (order,) = fold(*arrived)
        assert order.state == "cancelled"
        assert order.content is not None


def test_a_cancel_waits_where_the_pharmacy_confirms_stops() -> None:
    cancel = an_order(control="CA", flags=("stop_needs_confirmation",))

    (waiting,) = fold(entry(an_order()), entry(cancel, minute=1))
    (confirmed,) = fold(entry(an_order()), entry(cancel, minute=1), entry(an_order(control="CR"), minute=2))

    assert (waiting.state, waiting.is_stopped) == ("stop_pending", False)
    assert (confirmed.state, confirmed.is_stopped) == ("cancelled", True)


def test_a_stop_that_could_not_be_done_leaves_the_order_active() -> None:
    (order,) = fold(entry(an_order()), entry(an_order(control="DC"), 1), entry(an_order(control="UD"), 2))

    assert order.state == "active"


def test_a_hold_is_kept_until_release() -> None:
    held = [entry(an_order()), entry(an_order(control="HD"), 1)]

    (on_hold,) = fold(*held)
    (released,) = fold(*held, entry(an_order(control="RL"), 2))

    assert (on_hold.state, released.state) == ("on_hold", "active")


def test_a_change_replaces_the_dose_and_keeps_the_route_it_did_not_repeat() -> None:
    route = an_order().codings
    new = entry(an_order(dose=grams(30), routes=route))
    change = entry(an_order(control="XO", dose=grams(60)), minute=9)

    (order,) = fold(new, change)

    assert order.content is not None
    assert (order.content.dose, order.content.routes) == (grams(60), route)


def test_a_change_of_the_amount_alone_keeps_the_rate_and_says_that_it_is_of_before() -> None:
    rate = Quantity(Decimal(30), Decimal(30), "g/h", "RXE[1]-23")
    new = entry(an_order(dose=grams(60), rate=rate, rate_mean=rate))
    amount = entry(an_order(control="XO", codings=(), dose=grams(30)), 1)
    slower = entry(an_order(control="XO", codings=(), dose=grams(20), rate=grams(5)), 2)

    (changed,) = fold(new, amount)
    (said,) = fold(new, amount, slower)

    assert changed.content is not None
    assert said.content is not None
    kept = rate.stated("g/h", "RXE[1]-23", "rate_before_change")
    assert (changed.content.dose, changed.content.rate, changed.content.rate_mean) == (grams(30), kept, kept)
    assert (said.content.rate, said.content.rate_mean) == (grams(5), None)


def test_a_refused_change_leaves_the_dose_as_it_was() -> None:
    changed = [entry(an_order(dose=grams(30))), entry(an_order(control="XO", dose=grams(60)), 1)]

    (order,) = fold(*changed, entry(an_order(control="UX"), 2))

    assert order.content is not None
    assert order.content.dose == grams(30)


def test_placer_and_filler_number_name_one_order_whichever_message_links_them() -> None:
    by_placer = entry(an_order("EPD|1"), 1)
    by_filler = entry(an_order("", keys=OrderKeys(filler="APO|7"), source="encoded"), 2)
    link = entry(an_order(keys=OrderKeys(placer="EPD|1", filler="APO|7"), control="SN"), 3)

    for arrived in permutations([by_placer, by_filler, link]):
        (order,) = fold(*arrived)
        assert (order.placer, order.filler, order.key) == ("EPD|1", "APO|7", "EPD|1")


def test_a_replacing_order_stops_the_one_it_replaces() -> None:
    old = entry(an_order("EPD|1"))
    new = entry(an_order("EPD|2", control="RO", keys=OrderKeys(placer="EPD|2", replaces="EPD|1")), 5)

    states = {order.key: order.state for order in fold(old, new)}

    assert states == {"EPD|1": "replaced", "EPD|2": "active"}


def test_an_administration_without_an_order_is_an_order_that_was_never_sent() -> None:
    (order,) = fold(entry(a_dose("", grams=grams(20), started=moment())))

    assert order.content is not None
    assert (order.content.dose, "order_unknown" in order.content.flags) == (grams(20), True)


def test_a_dispense_does_not_overrule_what_was_ordered() -> None:
    dispensed = an_order(source="dispense", control="RE", dose=grams(5))

    (order,) = fold(entry(an_order(dose=grams(30))), entry(dispensed, 4))

    assert order.content is not None
    assert order.content.dose == grams(30)


def test_an_acceptance_starts_nothing_again_that_was_stopped() -> None:
    (stopped,) = fold(entry(an_order()), entry(an_order(control="CA"), 1), entry(an_order(control="OK"), 2))
    (refused,) = fold(entry(an_order()), entry(an_order(control="UA"), 1), entry(an_order(control="OK"), 2))

    assert (stopped.state, refused.state) == ("cancelled", "active")
