"""Additions to an alert that leave its status unchanged: remarks, a colleague's name, ticks, Naranjo answers."""

from typing import Annotated

import msgspec

from clinical.words import AFTER_INFUSION
from inbox.acting import Acting
from inbox.alerts.act import ActForm, AlertAct, Note, check_length, happening
from inbox.errors import ActRefused
from inbox.http.api_shapes import one_of
from inbox.people.accounts import user_names
from rules.naranjo import REPLIES, score_of
from store import alerts
from store.alerts import ConcludedAlert, Happening, assign_alert

NARANJO = "naranjo"  # kinds of lines in the alert's record
HANDOVER = "handover"
TICKED = "ticked"


class Comment(AlertAct, frozen=True):
    """A remark."""

    action = "comment"

    text: Annotated[Note, msgspec.Meta(min_length=1)]

    @classmethod
    def read(cls, form: ActForm) -> "Comment":
        """Read the form of the page."""
        return cls(form.text("text"))

    def check(self, acting: Acting) -> None:
        """Refuse an empty text, and one that is too long."""
        if not self.text.strip():
            raise ActRefused("text", "required")
        check_length("text", self.text)

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """Add a remark to the alert's record."""
        alerts.record(acting.connection, alert.id, Happening("comment", acting.now, acting.actor, note=self.text))


class HandoverNote(AlertAct, frozen=True):
    """What the next shift must know of this alert; the last note counts, an empty one removes it."""

    action = HANDOVER

    text: Note = ""

    @classmethod
    def read(cls, form: ActForm) -> "HandoverNote":
        """Read the form of the page."""
        return cls(form.text("text"))

    def check(self, acting: Acting) -> None:
        """Refuse a text that is too long."""
        check_length("text", self.text)

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """Leave the note in the alert's record."""
        alerts.record(acting.connection, alert.id, happening(HANDOVER, acting, alert, self.text.strip()))


class Tick(AlertAct, frozen=True):
    """A line of what to do, done or not done after all."""

    action = "tick"

    line: Annotated[int, msgspec.Meta(ge=0)]  # of the advice, from 0
    done: bool = True
    assessment: str | None = None  # the answer whose advice was read

    @classmethod
    def read(cls, form: ActForm) -> "Tick":
        """Read the form of the page."""
        line = form.text("line")
        if not (line.isascii() and line.isdigit()) or len(line) > 4:
            raise ActRefused("line", "unknown")
        return cls(int(line), form.text("done") != "no", form.seen)

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """Record who did it and when, with the words of the line."""
        advice = alert.conclusion.advice
        if not 0 <= self.line < len(advice):
            raise ActRefused("line", "unknown")
        data = {"line": dict(advice[self.line]), "done": self.done}
        alerts.record(acting.connection, alert.id, happening(TICKED, acting, alert, "", data=data))


class Assignment(AlertAct, frozen=True):
    """Who is working on it; an empty name gives it back to everybody."""

    action = "assign"

    user: str

    @classmethod
    def read(cls, form: ActForm) -> "Assignment":
        """Read the form of the page."""
        return cls(form.text("user"))

    def check(self, acting: Acting) -> None:
        """Refuse a name without an account; a program that has none may put it under its own."""
        if self.user not in ("", acting.actor, *user_names(acting.connection)):
            raise ActRefused("user", "unknown")

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """Record who is working on the alert."""
        assign_alert(acting.connection, alert.id, self.user or None)
        data = {"user": self.user}
        alerts.record(acting.connection, alert.id, Happening("assigned", acting.now, acting.actor, data=data))


class NaranjoAnswers(AlertAct, frozen=True):
    """An answer to each of the ten questions: yes, no or unknown, by its number."""

    action = NARANJO

    answers: dict[str, Annotated[str, one_of(REPLIES)]]
    note: Note = ""
    assessment: str | None = None

    @classmethod
    def read(cls, form: ActForm) -> "NaranjoAnswers":
        """Read the form of the page."""
        answers = {
            name.removeprefix("answer-"): reply for name, reply in form.values.items() if name.startswith("answer-")
        }
        return cls(answers, form.text("note"), form.seen)

    def check(self, acting: Acting) -> None:
        """Refuse answers to other questions than the ten, and a note that is too long."""
        numbers = {str(item.number) for item in acting.knowledge().naranjo.items}
        if set(self.answers) != numbers or not set(self.answers.values()) <= set(REPLIES):
            raise ActRefused("naranjo", "incomplete")
        check_length("note", self.note)

    def write(self, acting: Acting, alert: ConcludedAlert) -> None:
        """Write down the ten answers of a pharmacist; those before stay in the record."""
        if alert.stream != AFTER_INFUSION:
            raise ActRefused("naranjo", "not_asked")
        replies = {int(number): reply for number, reply in self.answers.items()}
        found = score_of(acting.knowledge().naranjo, replies)
        data = {"replies": dict(self.answers), "score": found.score, "band": found.band}
        alerts.record(acting.connection, alert.id, happening(NARANJO, acting, alert, self.note, data=data))
