"""Every table, in the order a message meets them.

Times are UTC. JSON columns hold what is read as a whole; anything that is searched has its own column.
`version` columns are texts that sort: event time, message time, control id, body hash (see `clinical/versions.py`),
so the later of two entries is the same whichever arrived first.
"""

import sqlalchemy as sa

from store.columns import ConclusionText, Id, SortedText, UtcTime, metadata, row_id

__all__ = ["metadata"]  # defined there, filled here

feed = sa.Table(
    "feed",
    metadata,
    row_id(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("known", sa.Boolean, nullable=False, default=True),  # named in the site file, or only heard
    sa.Column("last_heard_at", UtcTime),
    sa.Column("silence_after_s", sa.Integer),
    sa.Column("declared_at", UtcTime),  # since when the site file names it
    # The site file says that nobody is to miss it, however long it says nothing.
    sa.Column("may_be_silent", sa.Boolean, nullable=False, default=False, server_default=sa.false()),
    sa.Column("learned_silence_s", sa.Integer),  # how long it may be silent at this hour, by what it was before
    sa.Column("linked_at", UtcTime),  # when a listener last had a link of it open
    sa.Column("stamps", sa.JSON),  # the latest that say something of its clock: [[when, seconds ahead], …]
)

feed_hour = sa.Table(
    "feed_hour",
    metadata,
    # How long, at the most, a feed had been silent at some moment of an hour.
    sa.Column("feed_id", Id, sa.ForeignKey("feed.id"), primary_key=True, autoincrement=False),
    sa.Column("hour", UtcTime, primary_key=True),  # its beginning
    sa.Column("longest_s", sa.Integer, nullable=False),
)

WAITS = sa.text("state = 'received'")

message = sa.Table(
    "message",
    metadata,
    row_id(),  # arrival order
    sa.Column("feed_id", Id, sa.ForeignKey("feed.id"), nullable=False),
    sa.Column("sending_application", sa.Text, nullable=False),
    sa.Column("sending_facility", sa.Text, nullable=False),
    sa.Column("control_id", sa.Text, nullable=False),
    sa.Column("body_hash", sa.LargeBinary(32), nullable=False),  # SHA-256 of the payload without MSH-7, 8 and 13
    sa.Column("type", sa.Text, nullable=False),  # MSH-9.1
    sa.Column("event", sa.Text, nullable=False),  # MSH-9.2
    sa.Column("hl7_version", sa.Text, nullable=False),
    sa.Column("message_time", UtcTime),  # MSH-7
    sa.Column("received_at", UtcTime, nullable=False),
    sa.Column("lane", sa.Text, nullable=False),  # orders | history | slow
    sa.Column("state", sa.Text, nullable=False),  # received | processed | ignored | parked
    sa.Column("reason", sa.Text),  # why ignored or parked: a short code of docs/operating.md
    sa.Column("detail", sa.Text),  # where and what, without patient data
    sa.Column("flags", sa.JSON, nullable=False, default=list),
    sa.Column("ack_code", sa.Text, nullable=False),  # AA AE AR CA CE CR, or "" where the sender asked for none
    sa.Column("raw", sa.LargeBinary, nullable=False),  # the payload, zlib
    sa.Column("raw_size", sa.Integer, nullable=False),
    sa.Column("batch_control_id", sa.Text),  # BHS-11 of the batch it came in
    sa.Column("test", sa.Boolean, nullable=False, default=False),  # MSH-11 T or D
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("queued_at", UtcTime),  # when the sweep last put it on the queue again
    sa.Column("processed_at", UtcTime),
    sa.Column("patient_key", sa.BigInteger),  # a checksum of the first number in PID-3
    sa.Column("pruned_at", UtcTime),  # when its text was removed; the rest still identifies a duplicate
    sa.UniqueConstraint(
        "feed_id", "sending_application", "sending_facility", "control_id", "body_hash", name="uq_message_once"
    ),
    sa.Index("ix_message_state_id", "state", "id"),
    sa.Index("ix_message_control_id", "control_id"),
    sa.Index("ix_message_patient_key", "patient_key", sqlite_where=WAITS, postgresql_where=WAITS),
)

patient = sa.Table(
    "patient",
    metadata,
    row_id(),
    # The identifier by which a message names the patient; it never changes: identities are merged.
    sa.Column("authority", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("merged_into", Id, sa.ForeignKey("patient.id"), index=True),
    sa.Column("merge_version", SortedText),  # of the statement that says so; empty where a citizen number links them
    sa.Column("demographics", sa.JSON, nullable=False, default=dict),
    sa.Column("demographics_versions", sa.JSON, nullable=False, default=dict),  # field → the version it came from
    sa.Column("has_ivig", sa.Boolean, nullable=False, default=False),  # some order or administration may be IVIg
    sa.Column("flags", sa.JSON, nullable=False, default=list),
    sa.Column("facts_version", sa.BigInteger, nullable=False, server_default="0"),  # counted once it is watched
    sa.UniqueConstraint("value", "authority"),  # people search by the value alone
)

identifier = sa.Table(
    "identifier",
    metadata,
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("authority", sa.Text, primary_key=True),
    sa.Column("patient_id", Id, sa.ForeignKey("patient.id"), primary_key=True, index=True),
    sa.Column("type", SortedText, nullable=False, default=""),  # table 0203
)

patient_term = sa.Table(
    "patient_term",
    metadata,
    # What a patient is searched by: each word of the name, without case and accents, and the day of birth.
    sa.Column("patient_id", Id, sa.ForeignKey("patient.id"), primary_key=True, autoincrement=False),
    sa.Column("term", SortedText, primary_key=True),
    sa.Index("ix_patient_term_term_patient_id", "term", "patient_id"),
)

merge_statement = sa.Table(
    "merge_statement",
    metadata,
    # The latest statement about two identities: `retired` is now `survivor`, or no longer. Pointers follow from it.
    sa.Column("retired_id", Id, sa.ForeignKey("patient.id"), primary_key=True),
    sa.Column("survivor_id", Id, sa.ForeignKey("patient.id"), primary_key=True, index=True),
    sa.Column("version", SortedText, nullable=False),
    sa.Column("undone", sa.Boolean, nullable=False, default=False),
    sa.Column("message_id", Id, sa.ForeignKey("message.id"), nullable=False, index=True),
    sa.Column("path", sa.Text, nullable=False),  # MRG[1]-1
)

mention = sa.Table(
    "mention",
    metadata,
    # The identities a message mentions. No foreign keys: a row is written for every message.
    sa.Column("message_id", Id, primary_key=True, autoincrement=False),
    sa.Column("patient_id", Id, primary_key=True, autoincrement=False, index=True),
)

fact = sa.Table(
    "fact",
    metadata,
    row_id(),
    sa.Column("patient_id", Id, sa.ForeignKey("patient.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # condition, observation, procedure, allergy, order_event, ...
    sa.Column("key", SortedText, nullable=False),  # the natural key within patient and kind
    sa.Column("version", SortedText, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False, default=False),
    sa.Column("data", sa.LargeBinary, nullable=False),  # the event as read, JSON
    sa.Column("message_id", Id, sa.ForeignKey("message.id"), nullable=False),
    sa.Column("path", sa.Text, nullable=False),  # PRB[1]-3
    sa.UniqueConstraint("patient_id", "kind", "key"),
    sa.Index("ix_fact_message_id", "message_id"),
)

medication_order = sa.Table(
    "medication_order",
    metadata,
    row_id(),
    sa.Column("patient_id", Id, sa.ForeignKey("patient.id"), nullable=False),
    sa.Column("key", SortedText, nullable=False),
    sa.Column("placer", sa.Text, nullable=False, default=""),
    sa.Column("filler", sa.Text, nullable=False, default=""),
    sa.Column("placer_number", sa.Text, nullable=False, default=""),  # without the namespace: what people search by
    sa.Column("filler_number", sa.Text, nullable=False, default=""),
    sa.Column("product_class", sa.Text, nullable=False),  # ivig | possible_ivig | other
    sa.Column(
        "state", sa.Text, nullable=False
    ),  # active stop_pending on_hold cancelled discontinued completed replaced ...
    sa.Column("version", SortedText, nullable=False),
    sa.Column("starts_at", UtcTime),
    sa.Column("ends_at", UtcTime),
    sa.Column("data", sa.JSON, nullable=False),  # product, route, dose, schedule, rate as low/high with flags
    sa.UniqueConstraint("patient_id", "key"),
    sa.Index("ix_medication_order_ends_at", "ends_at"),
    sa.Index("ix_medication_order_placer_number", "placer_number"),
    sa.Index("ix_medication_order_filler_number", "filler_number"),
)

assessment = sa.Table(
    "assessment",
    metadata,
    row_id(),
    sa.Column("order_id", Id, sa.ForeignKey("medication_order.id"), nullable=False),
    sa.Column("stream", sa.Text, nullable=False, default="order"),  # as of the alert
    sa.Column("patient_id", Id, sa.ForeignKey("patient.id"), nullable=False, index=True),
    sa.Column("order_version", SortedText, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),  # a row is added only when it changes
    sa.Column("knowledge", sa.Text, nullable=False),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("conclusion", sa.JSON, nullable=False),  # text, findings, facts, advice, missing (docs/api.md)
    sa.Column("as_of", UtcTime, nullable=False),  # the moment the order was judged for
    sa.Column("concluded_at", UtcTime, nullable=False),
    sa.Index("ix_assessment_order_id_id", "order_id", "id"),
)

# As text, which the database returns unchanged: decoding it into a struct costs less than into dictionaries.
CONCLUSION = sa.type_coerce(sa.cast(assessment.c.conclusion, sa.Text), ConclusionText).label("conclusion")

alert = sa.Table(
    "alert",
    metadata,
    row_id(),
    sa.Column("order_id", Id, sa.ForeignKey("medication_order.id"), nullable=False),
    sa.Column("stream", sa.Text, nullable=False, default="order"),  # order | pharmacovigilance
    sa.Column("patient_id", Id, sa.ForeignKey("patient.id"), nullable=False, index=True),
    sa.Column("assessment_id", Id, sa.ForeignKey("assessment.id"), nullable=False),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("priority", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),  # open | taken_on | acknowledged | overridden | covered | resolved
    sa.Column("badges", sa.JSON, nullable=False, default=list),  # on_hold, stop_requested, test, replay, deceased
    sa.Column("settled_signature", sa.Text),  # what the pharmacist saw when settling it
    sa.Column("covered_by", Id, sa.ForeignKey("alert.id")),
    sa.Column("assigned_to", sa.Text),
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("changed_at", UtcTime, nullable=False),
    sa.Column("due_at", UtcTime),  # by when somebody must be on it, or the one who is must be done
    sa.Column("snoozed_until", UtcTime),
    sa.UniqueConstraint("order_id", "stream"),
    sa.Index("ix_alert_status_id", "status", "id"),
    sa.Index("ix_alert_opened_at", "opened_at"),
    sa.Index("ix_alert_tier_opened_at", "tier", "opened_at"),
    sa.Index("ix_alert_changed_at", "changed_at"),
)

alert_event = sa.Table(
    "alert_event",
    metadata,
    row_id(),
    sa.Column("alert_id", Id, sa.ForeignKey("alert.id"), nullable=False, index=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column(
        "kind", sa.Text, nullable=False
    ),  # raised changed reopened resolved covered taken_on acknowledged overridden comment assigned snoozed undone ...
    sa.Column("actor", sa.Text, nullable=False),  # a user or token name, or "system"
    sa.Column("reason", sa.Text),
    sa.Column("note", sa.Text),
    sa.Column("assessment_id", Id, sa.ForeignKey("assessment.id")),
    sa.Column("data", sa.JSON, nullable=False, default=dict),
    sa.Index("ix_alert_event_at", "at"),
    sa.Index("ix_alert_event_actor_at", "actor", "at"),
)

decision = sa.Table(
    "decision",
    metadata,
    row_id(),
    sa.Column("patient_id", Id, sa.ForeignKey("patient.id"), nullable=False, index=True),
    sa.Column("alert_id", Id, sa.ForeignKey("alert.id"), nullable=False),
    sa.Column("signature", sa.Text, nullable=False),  # the findings it covers
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, default=""),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Column("valid_until", UtcTime),
)

STANDS = sa.text("done_at IS NULL AND kind <> 'follow_up'")

due = sa.Table(
    "due",
    metadata,
    # What must happen with an alert at a given time. Of each kind one stands at most, of follow-ups several.
    row_id(),
    sa.Column("alert_id", Id, sa.ForeignKey("alert.id"), nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),  # take_on | owner | follow_up | override_end | snooze | step
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),  # a user or token name, or "system"
    sa.Column("data", sa.JSON, nullable=False, default=dict),
    sa.Column("done_at", UtcTime),  # empty while it stands
    sa.Column("outcome", sa.Text),  # how it ended: a short code
    sa.Column("claimed_until", UtcTime),
    sa.Index("ix_due_done_at_due_at", "done_at", "due_at"),
    sa.Index("uq_due_standing", "alert_id", "kind", unique=True, sqlite_where=STANDS, postgresql_where=STANDS),
)

delivery = sa.Table(
    "delivery",
    metadata,
    row_id(),
    sa.Column("alert_id", Id, sa.ForeignKey("alert.id"), nullable=False, index=True),
    sa.Column("event_id", Id, sa.ForeignKey("alert_event.id"), nullable=False),
    sa.Column("destination", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False),  # pending | sent | refused
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_at", UtcTime, nullable=False),
    sa.Column("claimed_until", UtcTime),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("sent_at", UtcTime),
    sa.Column("sent_as", sa.Text),  # the key of the notice that it goes out with; empty until it is tried
    sa.Column("unanswered", sa.Integer, nullable=False, default=0, server_default="0"),  # attempts without an outcome
    sa.UniqueConstraint("event_id", "destination"),
    sa.Index("ix_delivery_state_next_at", "state", "next_at"),
)

ONGOING = sa.text("ended_at IS NULL")

incident = sa.Table(
    "incident",
    metadata,
    # A fault of the telling itself. Of each subject one stands at most; it is told when it begins and when it ends.
    row_id(),
    sa.Column("kind", sa.Text, nullable=False),  # `IncidentKind`
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("began_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
    sa.Column("told_at", UtcTime),
    sa.Column("end_told_at", UtcTime),
    sa.Column("claimed_until", UtcTime),
    sa.Column("flaps", sa.Boolean, nullable=False, default=False, server_default=sa.false()),  # it comes and goes
    sa.Column("calm_since", UtcTime),  # of one that flaps: since when it has been over
    sa.Column("again_at", UtcTime),  # of one that flaps: when it last came back; empty: since it began
    sa.Column("rests_until", UtcTime),  # of a destination: nobody tries it until then
    sa.Index("uq_incident_standing", "kind", "subject", unique=True, sqlite_where=ONGOING, postgresql_where=ONGOING),
)

canary_run = sa.Table(
    "canary_run",
    metadata,
    # One round of the canary: when it reached each step. One stands at most.
    row_id(),
    sa.Column("began_at", UtcTime, nullable=False),
    sa.Column("standing", sa.Boolean, unique=True),  # true until it has ended, then empty
    sa.Column("claimed_until", UtcTime),
    sa.Column("accepted_at", UtcTime),
    sa.Column("raised_at", UtcTime),
    sa.Column("notified_at", UtcTime),
    sa.Column("resolved_at", UtcTime),
    sa.Column("ended_at", UtcTime),
    sa.Column("outcome", sa.Text),  # passed | failed | given_up
    sa.Column("detail", sa.Text),  # why a step was not reached, without patient data
)

canary_message = sa.Table(
    "canary_message",
    metadata,
    # A message of the canary, announced before it is sent: by this alone it is known.
    sa.Column("body_hash", sa.LargeBinary(32), primary_key=True),
    sa.Column("run_id", Id, sa.ForeignKey("canary_run.id"), nullable=False, index=True),
    sa.Column("part", sa.Text, nullable=False),  # history | order | stop
)

user = sa.Table(
    "user",
    metadata,
    row_id(),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),  # a name of ROLES in inbox/people/permissions.py
    sa.Column("language", sa.Text, nullable=False, default="nl"),
    sa.Column("preferences", sa.JSON, nullable=False, server_default="{}"),  # theme, sound, saved views
    sa.Column("active", sa.Boolean, nullable=False, default=True),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("must_change", sa.Boolean, nullable=False, default=False, server_default=sa.false()),  # the password
    # Somebody whom an identity provider vouches for: who that is, and who she is there. Of a local account neither.
    sa.Column("issuer", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("totp_secret", sa.Text),  # of an authenticator, sealed with the secret of the inbox; none: no codes
    sa.Column("totp_step", sa.BigInteger),  # of the last code that was used: each counts once
    sa.Index("ix_user_issuer_subject", "issuer", "subject", unique=True),
)

recovery_code = sa.Table(
    "recovery_code",
    metadata,
    # In place of a code of the authenticator, once.
    sa.Column("user_id", Id, sa.ForeignKey("user.id"), primary_key=True, autoincrement=False),
    sa.Column("code_hash", sa.LargeBinary(32), primary_key=True),  # SHA-256 of 80 random bits
)

failed_sign_in = sa.Table(
    "failed_sign_in",
    metadata,
    sa.Column("user_id", Id, sa.ForeignKey("user.id"), primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),  # the address it came from
    sa.Column("failures", sa.Integer, nullable=False),  # wrong passwords in a row
    sa.Column("failed_at", UtcTime, nullable=False),  # the last of them
    sa.Column("waits_until", UtcTime),  # until then no password from this address opens the account
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("token_hash", sa.LargeBinary(32), primary_key=True),
    sa.Column("user_id", Id, sa.ForeignKey("user.id"), nullable=False, index=True),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("seen_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("provider_session", sa.Text, index=True),  # `sid` of the identity provider: it may end it
    sa.Column("id_token", sa.Text),  # sealed; shown to the provider at sign-out
)

token = sa.Table(
    "token",
    metadata,
    row_id(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("token_hash", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("revoked_at", UtcTime),
    sa.Column("scopes", sa.Text, nullable=False, default="", server_default=""),  # of its role; empty: all of it
    sa.Column("expires_at", UtcTime),
)

BEHALF = sa.text("on_behalf <> ''")

access_log = sa.Table(
    "access_log",
    metadata,
    # Append-only: who looked at what, and did what (NEN 7513). Lines are written by `store/access_log.py` alone.
    row_id(),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),  # view_alert, view_message, acknowledge, ...
    sa.Column("patient_id", Id, index=True),
    sa.Column("object", sa.Text, nullable=False, default=""),
    sa.Column("source", sa.Text, nullable=False, default=""),  # the address it came from
    sa.Column("outcome", sa.Text, nullable=False, server_default="done"),  # done | refused
    sa.Column("purpose", sa.Text, nullable=False, server_default=""),  # where it was asked
    sa.Column("on_behalf", sa.Text, nullable=False, server_default=""),  # for whom a program asked
    sa.Index("ix_access_log_at", "at"),
    sa.Index("ix_access_log_actor_at", "actor", "at"),
    sa.Index("ix_access_log_action_at", "action", "at"),
    sa.Index("ix_access_log_outcome_at", "outcome", "at"),
    sa.Index("ix_access_log_on_behalf", "on_behalf", sqlite_where=BEHALF, postgresql_where=BEHALF),
)

access_seal = sa.Table(
    "access_seal",
    metadata,
    # Append-only: the chain over the access log, one seal for each line, in the order of sealing.
    sa.Column("number", Id, primary_key=True, autoincrement=False),  # 1, 2, 3, … without a gap
    sa.Column("line_id", Id, nullable=False, unique=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),  # SHA-256 of the line
    sa.Column("hash", sa.LargeBinary(32), nullable=False),  # SHA-256 of the hash before it, the number and the digest
)

access_root = sa.Table(
    "access_root",
    metadata,
    # Append-only: once a day the last hash of the chain, which is written outside the database too.
    row_id(),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("number", Id, nullable=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
)

access_removal = sa.Table(
    "access_removal",
    metadata,
    # Append-only: which oldest lines were removed when their retention was over, and where the chain goes on.
    row_id(),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("number", Id, nullable=False),  # of the last seal that was removed
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
    sa.Column("newest_at", UtcTime, nullable=False),  # of the lines that were removed
)

heartbeat = sa.Table(
    "heartbeat",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # worker, beat
    sa.Column("at", UtcTime, nullable=False),
)

progress = sa.Table(
    "progress",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # of a long task that resumes where it stopped
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("begun_at", UtcTime, nullable=False),
)


local_code = sa.Table(
    "local_code",
    metadata,
    # A code in no value set, of a system that our value sets do not use (docs/decisions/0007).
    row_id(),
    sa.Column("kind", sa.Text, nullable=False),  # product | diagnosis
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("display", sa.Text, nullable=False),  # the sender's text for the code
    sa.Column("likely", sa.Text, nullable=False),  # a value set that this text names, or ""
    sa.Column("first_seen", UtcTime, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # open | mapped | dismissed | known: a value set holds it by now
    sa.Column("value_set", sa.Text),  # the value set it is mapped to
    sa.Column("reason", sa.Text),  # why it was dismissed
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", UtcTime),
    sa.Column(
        "decisions", sa.Integer, nullable=False, default=0
    ),  # how many decisions there were, for the optimistic check
    sa.UniqueConstraint("kind", "system", "code"),
    sa.Index("ix_local_code_state_id", "state", "id"),
)

local_code_seen = sa.Table(
    "local_code_seen",
    metadata,
    # Where each code was seen. No foreign key to the message: a row is written for every such code of every message.
    sa.Column("code_id", Id, sa.ForeignKey("local_code.id"), primary_key=True, autoincrement=False),
    sa.Column("message_id", Id, primary_key=True, autoincrement=False),
    sa.Column("path", sa.Text, nullable=False),
)

local_code_version = sa.Table(
    "local_code_version",
    metadata,
    # One row: its number increases when a mapping changes, so that workers notice.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", Id, nullable=False),
)

pruning = sa.Table(
    "pruning",
    metadata,
    # Append-only: each transaction that removes message texts records who asked for it, and how much was removed.
    row_id(),
    sa.Column("run", sa.Text, nullable=False),  # the same for every transaction of one command
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("messages", sa.Integer, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),  # of text, as it was stored
    sa.Column("ages", sa.JSON, nullable=False),  # the ages in days that were applied
    sa.Index("ix_pruning_run", "run"),
)

trial_verdict = sa.Table(
    "trial_verdict",
    metadata,
    # What somebody says of a finding of a rule on trial. The first verdict counts, if she had not seen the answer.
    sa.Column("order_id", Id, sa.ForeignKey("medication_order.id"), primary_key=True, autoincrement=False),
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("reviewer", sa.Text, primary_key=True),
    sa.Column("verdict", sa.Text, nullable=False),  # right | wrong | unsure
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("is_blind", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("later", sa.Text),  # a second thought
    sa.Column("later_at", UtcTime),
)

application_ack = sa.Table(
    "application_ack",
    metadata,
    # Written when its message ends. Not a `delivery`: thousands of these must not queue before one alert.
    row_id(),  # from which its own control id is made
    sa.Column("message_id", Id, sa.ForeignKey("message.id"), nullable=False, unique=True),  # one per message
    sa.Column("route", sa.Text, nullable=False),  # HOST:PORT
    sa.Column("request", sa.LargeBinary, nullable=False),  # the MSH of the message: all the answer is built from
    sa.Column("code", sa.Text, nullable=False),  # AA | AE
    sa.Column("reason", sa.Text),  # why it is parked
    sa.Column("state", sa.Text, nullable=False),  # pending | sent | refused
    sa.Column("attempts", sa.Integer, nullable=False, default=0),  # attempts that were answered with a rejection
    sa.Column("next_at", UtcTime, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("settled_at", UtcTime),
    sa.Index("ix_application_ack_state_route_id", "state", "route", "id"),
)

application_ack_route = sa.Table(
    "application_ack_route",
    metadata,
    # The current sender of a route: one message is in transit on it, however many listeners there are.
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_until", UtcTime),
    sa.Column("silences", sa.Integer, nullable=False, default=0),  # consecutive attempts without an answer
    sa.Column("next_at", UtcTime),
)

ledger_statement = sa.Table(
    "ledger_statement",
    metadata,
    # Append-only: what each verification of the ledger found, signed, and chained to the statement before.
    row_id(),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("well", sa.Boolean, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),  # canonical JSON: what is signed
    sa.Column("signature", sa.LargeBinary, nullable=False),  # Ed25519; empty where no key was given
    sa.Column("previous", sa.LargeBinary, nullable=False, unique=True),  # SHA-256 of the statement before
    sa.Column("last_message", Id, nullable=False),  # the last message it counted
)

card = sa.Table(
    "card",
    metadata,
    # An answer that a prescriber was shown before the order was placed (CDS Hooks); what she does with it names it.
    sa.Column("uuid", sa.Text, primary_key=True),
    sa.Column("created_at", UtcTime, nullable=False, index=True),
    sa.Column("client", sa.Text, nullable=False),  # as the site file names it
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("shown_to", sa.Text, nullable=False),  # the user at the client
    sa.Column("patient_id", Id, sa.ForeignKey("patient.id")),  # empty: the store did not know the patient
    sa.Column("numbers", sa.JSON, nullable=False),  # of the patient: [authority, value]
    sa.Column("order_number", sa.Text, nullable=False, index=True),  # of the placer, without its namespace
    sa.Column("starts_at", UtcTime),  # of the order
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),  # of the answer
)

card_feedback = sa.Table(
    "card_feedback",
    metadata,
    # What a prescriber did with a card. It waits without an alert until the order comes by the feed.
    row_id(),
    sa.Column("card_uuid", sa.Text, sa.ForeignKey("card.uuid"), nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),  # accepted | overridden
    sa.Column("reason", sa.Text),  # of an override: a code of ours
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("acted_at", UtcTime, nullable=False),
    sa.Column("received_at", UtcTime, nullable=False),
    sa.Column("alert_id", Id, sa.ForeignKey("alert.id"), index=True),  # in whose record it stands
    sa.UniqueConstraint("card_uuid", "outcome", "acted_at"),
)

spent_token = sa.Table(
    "spent_token",
    metadata,
    # JSON web tokens and sign-ins at an identity provider that were used, until they expire: each counts once.
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("token_id", sa.Text, primary_key=True),
    sa.Column("expires_at", UtcTime, nullable=False, index=True),
)

legal_hold = sa.Table(
    "legal_hold",
    metadata,
    # Nothing of this patient is erased or removed by age until it is lifted. No foreign key: it outlives the patient.
    row_id(),
    sa.Column("patient_id", Id, nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("set_by", sa.Text, nullable=False),
    sa.Column("set_at", UtcTime, nullable=False),
    sa.Column("review_at", UtcTime),  # when somebody must look whether it is still needed; it stands on until lifted
    sa.Column("lifted_at", UtcTime),
    sa.Column("lifted_by", sa.Text),
    sa.Column("lift_reason", sa.Text),
)

erasure = sa.Table(
    "erasure",
    metadata,
    # Append-only, and without patient data: each erasure on request, as the register outside the database has it too.
    row_id(),
    sa.Column("name", sa.Text, nullable=False, unique=True),  # the same in the register outside
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),  # who carried it out
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("messages", sa.Integer, nullable=False),  # that lost their text and are marked as erased
    sa.Column("counts", sa.JSON, nullable=False),  # what went, by kind
    sa.Column("key_name", sa.Text, nullable=False),  # of the key of the hashes
    sa.Column("hashes", sa.JSON, nullable=False),  # keyed, of the identities: they find the patient in a backup
)

erased_identity = sa.Table(
    "erased_identity",
    metadata,
    # Append-only: which rows of `patient` hold no more than a number since. They may be gone by now: no foreign key.
    sa.Column("erasure_id", Id, sa.ForeignKey("erasure.id"), primary_key=True, autoincrement=False),
    sa.Column("patient_id", Id, primary_key=True, autoincrement=False, index=True),
    sa.Column("at", UtcTime, nullable=False),
)
