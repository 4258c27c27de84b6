"""`/api/v1/patients`: everything on record about one patient."""

from litestar import Router, get
from litestar.params import FromPath

from inbox.alerts.api import alert_shape, assessment_shape
from inbox.http.api_requests import id_of, language_of
from inbox.http.api_shapes import (
    CourseShape,
    EventShape,
    LookShape,
    MessageShape,
    PatientNumber,
    PatientOrderShape,
    WholePatientShape,
    WhyNotShape,
)
from inbox.http.masking import masked_for, shown_number
from inbox.http.parts import AnyRequest
from inbox.http.problems import FOUND
from inbox.messages.api import message_shape
from inbox.patients.patient_page import AnsweredOrder, record_of, who_looked
from inbox.patients.picture import PictureRow
from inbox.people.permissions import Permission, needs
from store.alerts import AlertEvent


@get(
    "/{patient_id:str}",
    responses=FOUND,
    opt=needs(Permission.ALERTS_READ),
    sync_to_thread=True,
    summary="One patient: orders and answers, alerts, decisions, messages, and who looked",
)
def one_patient(request: AnyRequest, patient_id: FromPath[str]) -> WholePatientShape:
    """Return everything on record about one patient, by the `patient_id` of an alert or an answer."""
    language = language_of(request)
    found = record_of(request, id_of(patient_id), language)
    person, masked = found.history.shown if found.history else {}, masked_for(request)
    return WholePatientShape(
        id=patient_id,
        identifiers=[
            PatientNumber(authority, shown_number(authority, value, masked)) for authority, value in found.numbers
        ],
        name=person.get("name", ""),
        birth_date=person.get("birth_date"),
        sex=person.get("sex", ""),
        ward=person.get("ward", ""),
        orders=[_order(each, language) for each in found.orders],
        orders_in_all=found.answered,
        alerts=[alert_shape(card.alert, language, masked) for card in found.cards],
        decisions=[_event(each) for each in found.decisions],
        messages=[MessageShape(**message_shape(each)) for each in found.messages],
        messages_in_all=found.about,
        course=[_mark(each) for each in found.picture.table],
        looked=[LookShape(line.actor, line.role, line.at) for line in who_looked(found.lines)],
    )


def _order(row: AnsweredOrder, language: str) -> PatientOrderShape:
    return PatientOrderShape(
        assessment=assessment_shape(row.answer, language),
        alert=str(row.card.alert.id) if row.card else None,
        status=row.card.alert.status if row.card else "",
        because=row.reason.fact if row.reason else "",
        why_not=[WhyNotShape(title, condition) for title, condition in row.failed],
    )


def _event(event: AlertEvent) -> EventShape:
    return EventShape(
        alert=str(event.alert_id),
        kind=event.kind,
        at=event.at,
        by=event.actor,
        reason=event.reason or "",
        note=event.note or "",
    )


def _mark(row: PictureRow) -> CourseShape:
    return CourseShape(
        at=row.at,
        when=row.when,
        kind=row.lane,
        what=row.name,
        message_id=str(row.source.message) if row.source else "",
        path=row.source.path if row.source else "",
    )


router = Router("/patients", route_handlers=[one_patient], tags=["patients"])
