"""The canary: a patient with an earlier thrombosis, her order for IVIg, and its stop. She exists in no hospital."""

from datetime import datetime, timedelta
from typing import Final

from synthetic.medicines import ATC_ONLY
from synthetic.messages import Diagnosis, dg1, evn
from synthetic.prescriptions import Prescription, Schedule, kind_of, order_segments
from synthetic.terms import DVT_LEG
from synthetic.wire import Dialect, Draft, post, segment

AUTHORITY: Final = "IVIGILANT-CANARY"  # of her number, and of the order's
_MADE_BEFORE: Final = timedelta(seconds=2)  # the order, before its stop
_STARTS_AFTER: Final = timedelta(hours=2)
_THROMBOSIS_AGO: Final = timedelta(days=400)


def canary_messages(number: str, application: str, now: datetime) -> tuple[bytes, bytes, bytes]:
    """Return her history, her order and its stop, without MLLP framing; `number` distinguishes her from all others."""
    dialect = Dialect(application, "2.5")
    patient = segment(
        "PID", {1: 1, 3: f"{number}^^^{AUTHORITY}^PI", 5: "Canary^Synthetic^^^^^L", 7: "19600101", 8: "F"}
    )
    visit = segment("PV1", {1: 1, 2: "I"})
    diagnosis = dg1([Diagnosis(DVT_LEG, (now - _THROMBOSIS_AGO).date())], number, dialect)
    order = Prescription(number, ATC_ONLY, Schedule(now + _STARTS_AFTER, "Once", 1), "30", at=now - _MADE_BEFORE)

    def placed(what: Prescription) -> Draft:
        segments = (patient, visit, *order_segments(what, "OMP", dialect))
        return Draft(dialect, *kind_of("OMP", dialect), segments)

    history = Draft(dialect, "ADT", "A08", "ADT_A01", (evn("A08", now, dialect), patient, visit, *diagnosis))
    drafts = ((history, "H"), (placed(order), "O"), (placed(order.stopped(now)), "S"))
    history_sent, order_sent, stop_sent = (post(draft, f"{number[:19]}{part}", now) for draft, part in drafts)
    return history_sent, order_sent, stop_sent
