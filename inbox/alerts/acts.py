"""Everything that a pharmacist can do with an alert, by its name in addresses and in the access record."""

from inbox.alerts.act import AlertAct
from inbox.alerts.follow_ups import FollowedUp, FollowUp
from inbox.alerts.remarks import Assignment, Comment, HandoverNote, NaranjoAnswers, Tick
from inbox.alerts.settling import Acknowledgement, Override, TakenOn
from inbox.alerts.sleeping import Snooze
from inbox.alerts.taking_back import Reopening, Undo

_ALL: tuple[type[AlertAct], ...] = (
    TakenOn,
    Acknowledgement,
    Override,
    Snooze,
    FollowUp,
    FollowedUp,
    Undo,
    Reopening,
    Comment,
    HandoverNote,
    Tick,
    Assignment,
    NaranjoAnswers,
)
ACTS: dict[str, type[AlertAct]] = {act.action: act for act in _ALL}
