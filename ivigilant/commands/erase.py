"""`ivigilant erase` and `ivigilant hold`: a patient's own request to be erased (GDPR article 17, WGBO article 7:455),
and what forbids it.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ivigilant.commands.options import Config, DataDir, database_explained, read_settings
from ivigilant.errors import ErasureRefused, IvigilantError, UnusableSettings

if TYPE_CHECKING:
    import sqlalchemy as sa

    from history.choices import Site
    from ivigilant.erasure_register import ErasedAgain
    from ivigilant.settings import Settings
    from store.erasure import Erasure
    from worker.erase import ErasurePlan, Obstacle

app = typer.Typer(help="Erase one patient on request, and prove what was erased.", no_args_is_help=True)
hold = typer.Typer(help="Legal holds: nothing of a patient is erased or ages out.", no_args_is_help=True)

Patient = Annotated[str, typer.Option("--patient", help="A patient number: VALUE or AUTHORITY|VALUE.")]

_GOES = {
    "message": "messages: the text, and what else they hold of the patient",
    "shared_message": "messages that mention other patients too: the text; what was read of the others stays",
    "fact": "facts of the history",
    "medication_order": "orders",
    "assessment": "answers",
    "alert": "alerts",
    "alert_event": "lines of their records, with notes, comments and hand-over",
    "decision": "decisions of pharmacists",
    "due": "due times and follow-ups",
    "delivery": "notices, sent or waiting",
    "trial_verdict": "verdicts on rules on trial",
    "card": "cards shown to prescribers",
    "card_feedback": "what prescribers did with them",
    "merge_statement": "statements about merges",
    "identifier": "other numbers",
    "patient_term": "words to search by",
    "mention": "links between messages and the patient",
}
_STAYS = {
    "identity": "numbers by which messages named the patient, bare: the access log refers to them while it is kept",
    "tombstone": "rows of messages without a text: hash, control id, times, type. They prove that nothing was lost, "
    "and a message sent again byte for byte stays erased",
    "access_log": "lines of the access log: who looked, with the number (NEN 7513, five years or more; audit prune)",
    "control_id": "of these rows, control ids that hold a number of the patient: the sender wrote it there, the ledger "
    "counts it",
    "notes_elsewhere": "alerts of other patients with a note that holds a number of this one: look at them",
    "mixed_unread": "messages that wait or are parked, about this patient and others: process them, then erase anew",
    "notices_sent": "notices that have left: they name no patient, and link to an alert that is gone",
}
_OUTSIDE = (
    "Not here: backups made before (they bring the patient back; restore erases again by the register), exports, "
    "reports and dumps that somebody made, the sender's own record, and what free text about other people says of the "
    "patient. A new message about the number is a new treatment relation: it is stored and judged, without the history "
    "of before."
)


@app.command("plan")
def plan(
    patient: Patient,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Count what an erasure would remove, what stays and why, and what stands in the way; change nothing.

    The last line has a code, which `erase carry-out` asks for. Exit code 1 when something stands in the way.

    Example: ivigilant erase plan --patient 1000001
    """
    from ivigilant.commands.history import quiet
    from worker.erase import look

    settings = quiet(read_settings(config, data_dir))
    now = datetime.now(UTC)
    with database_explained():
        engine, site = _opened(settings)
        found = look(engine, site, patient, now)
        _record(engine, "erase_plan", _counted(found), found.members)
        _show(found)
        _show_obstacles(engine, found.obstacles)
    if not found.may_go:
        raise typer.Exit(1)
    over = " --treatment-is-over" if found.obstacles else ""
    typer.echo(f"\nplan {found.code}: ivigilant erase carry-out --plan {found.code}{over} …")


@app.command("carry-out")
def carry_out(
    patient: Patient,
    code: Annotated[str, typer.Option("--plan", help="The code that erase plan printed for exactly this.")],
    asked_by: Annotated[str, typer.Option("--asked-by", help="Who asked, without a name or number: patient, parent.")],
    decided_by: Annotated[str, typer.Option("--decided-by", help="Who decided: not the one who runs this command.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, and where the request is kept; no name or number.")],
    treatment_is_over: Annotated[
        bool, typer.Option("--treatment-is-over", help="Although IVIg orders are still open: nothing more is given.")
    ] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Erase one patient as the plan said, in one transaction. It cannot be undone.

    Refused while a legal hold stands, an alert waits for a pharmacist or a message for a worker, and when anything
    differs from the plan. The register is kept in the database and in the file of IVIGILANT_ERASURES.

    Example: ivigilant erase carry-out --patient 1000001 --plan 3f2a91c04d --asked-by patient --decided-by 'E. de Wit,
    privacy officer' --reason 'letter of 3 March, file 2026-117'
    """
    import secrets

    from ivigilant.command_user import at_the_command_line
    from ivigilant.commands.history import quiet
    from ivigilant.erasure_register import complete_file, read_key, register_file
    from worker.erase import ErasureObstructed, ErasureRequest, PlanChanged, erase, look

    settings = quiet(read_settings(config, data_dir))
    actor, now = at_the_command_line(), datetime.now(UTC)
    texts = {"--asked-by": asked_by.strip(), "--decided-by": decided_by.strip(), "--reason": reason.strip()}
    with database_explained():
        engine, site = _opened(settings)
        found = look(engine, site, patient, now)
        try:
            key, file = read_key(settings), register_file(settings)
            complete_file(engine, file)
            _require_two_people(texts, actor)
            _require_no_patient_data(engine, texts, found)
            if not found.members:
                raise ErasureObstructed(found.obstacles)
            request = ErasureRequest(
                name=secrets.token_hex(8),
                actor=actor,
                asked_by=texts["--asked-by"],
                decided_by=texts["--decided-by"],
                reason=texts["--reason"],
                code=code.strip(),
                treatment_is_over=treatment_is_over,
                key_name=key.name,
                hash_of=key.hash_of,
            )
            done = erase(engine, site, found.members, request, now, lambda at, line: _note(at, line, found.members))
        except (ErasureObstructed, PlanChanged, IvigilantError) as error:
            _record(engine, "erase", f"refused: {str(error) or 'not as planned'}", found.members, done=False)
            if isinstance(error, ErasureObstructed):
                _show_obstacles(engine, error.obstacles)
                raise ErasureRefused("nothing was erased") from None
            if isinstance(error, PlanChanged):
                raise ErasureRefused(
                    f"--plan {code}: it is not what would be erased now; nothing was erased. Look again: erase plan"
                ) from None
            raise
        complete_file(engine, file)
    typer.echo(f"erasure {done.name}: {done.messages} messages, {done.counts.get('fact', 0)} facts, "
               f"{done.counts.get('alert', 0)} alerts; in the register {file}")  # fmt: skip
    if engine.dialect.name == "postgresql":
        typer.echo("PostgreSQL overwrites what went at its next vacuum; its archive of the log has a term of its own")


@app.command("list")
def list_erasures(config: Config = None, data_dir: DataDir = None) -> None:
    """List the erasures that were carried out: when, by whom, for whom, why, and how much went. It names no patient.

    Example: ivigilant erase list
    """
    from store.engine import connect, reading
    from store.erasure import registered

    with database_explained():
        engine = connect(read_settings(config, data_dir).database())
        with reading(engine) as connection:
            lines = registered(connection)
        _record(engine, "erase_list", f"{len(lines)} erasures", [None])
    for each in lines:
        typer.echo(
            f"{each.at:%Y-%m-%d %H:%M} UTC  {each.name}  {each.messages} messages, {sum(each.counts.values())} rows; "
            f"asked by {each.asked_by}, decided by {each.decided_by}, carried out by {each.actor}: {each.reason}"
        )


@app.command("again")
def again(config: Config = None, data_dir: DataDir = None) -> None:
    """Carry out again what the register has and this database does not: after a restore of a backup from before.

    `restore` does so by itself when it finds the register and the key. Exit code 1 when one cannot be carried out.

    Example: ivigilant erase again
    """
    from ivigilant.commands.history import quiet
    from ivigilant.erasure_register import complete_file, register_file

    settings = quiet(read_settings(config, data_dir))
    with database_explained():
        engine, _ = _opened(settings)
        added = complete_file(engine, register_file(settings))
        well = erase_since(settings, engine, register_file(settings))
    if added:
        typer.echo(f"{added} lines added to {register_file(settings)}")
    if not well:
        raise typer.Exit(1)


@app.command("key")
def key(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist.")],
) -> None:
    """Make the key under which patients stand in the register of erasures. Keep a copy away from this machine.

    Example: ivigilant erase key /etc/ivigilant/erasure.key
    """
    from ivigilant.erasure_register import make_key

    make_key(target)
    typer.echo(f"{target}: name it in IVIGILANT_ERASURE_KEY, and keep a copy; without it no restore can erase again")


@hold.command("set")
def set_hold(
    patient: Patient,
    reason: Annotated[str, typer.Option("--reason", help="Why: a complaint, a claim, an inspection, and its file.")],
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until", help="When to look whether it is still needed; it stands until lifted.", formats=["%Y-%m-%d"]
        ),
    ] = None,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Set a legal hold on a patient: nothing is erased, and no text or line of the access log ages out.

    Example: ivigilant hold set --patient 1000001 --reason 'complaint 2026-31' --until 2027-06-01
    """
    from ivigilant.command_user import at_the_command_line, record_command
    from store import holds
    from store.locks import lock_people

    now, actor = datetime.now(UTC), at_the_command_line()
    if not reason.strip():
        raise UnusableSettings("--reason: say why, for whoever must lift it")
    with database_explained():
        engine, _ = _opened(read_settings(config, data_dir))
        found = _one_person(engine, patient, "hold_set")
        with engine.begin() as connection:
            lock_people(connection, found)
            review = until.replace(tzinfo=UTC) if until is not None else None
            number = holds.add(connection, min(found), reason.strip(), actor, now, review)
            record_command(connection, "hold_set", f"hold {number}", patients=sorted(found), purpose=reason.strip())
    typer.echo(f"hold {number} stands" + (f"; look at it on {until:%Y-%m-%d}" if until else ""))


@hold.command("lift")
def lift_hold(
    number: Annotated[int, typer.Argument(help="The number of the hold, as hold list shows it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it is over.")],
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """Lift a legal hold. What it kept is removed by the next prune, or by an erasure that is asked for.

    Example: ivigilant hold lift 3 --reason 'complaint 2026-31 closed'
    """
    from ivigilant.command_user import at_the_command_line, record_command
    from store import holds

    if not reason.strip():
        raise UnusableSettings("--reason: say why it is over")
    with database_explained():
        engine, _ = _opened(read_settings(config, data_dir))
        with engine.begin() as connection:
            lifted = holds.lift(connection, number, at_the_command_line(), reason.strip(), datetime.now(UTC))
            if lifted is not None:
                whom = sorted(holds.held_with(connection, [lifted.patient_id]))
                record_command(connection, "hold_lift", f"hold {number}", patients=whom, purpose=reason.strip())
        if lifted is None:
            _record(engine, "hold_lift", f"hold {number}: none", [None], done=False)
            raise ErasureRefused(f"no hold {number} stands; which do: ivigilant hold list")
    typer.echo(f"hold {number} is lifted")


@hold.command("list")
def list_holds(
    every: Annotated[bool, typer.Option("--all", help="Those that were lifted as well.")] = False,
    config: Config = None,
    data_dir: DataDir = None,
) -> None:
    """List the legal holds that stand: on whom, why, since when, by whom, and when somebody must look.

    Example: ivigilant hold list
    """
    from store import holds, patients
    from store.engine import reading

    now = datetime.now(UTC)
    with database_explained():
        engine, _ = _opened(read_settings(config, data_dir))
        with reading(engine) as connection:
            found = holds.every(connection, lifted=every)
            named = patients.of_ids(connection, {each.patient_id for each in found})
        _record(engine, "hold_list", f"{len(found)} holds", [each.patient_id for each in found] or [None])
    for each in found:
        who = named.get(each.patient_id)
        look_at = f", look at it on {each.review_at:%Y-%m-%d}" if each.review_at else ", without a day to look at it"
        over = f"; lifted {each.lifted_at:%Y-%m-%d} by {each.lifted_by}: {each.lift_reason}" if each.lifted_at else ""
        late = "  OVERDUE" if each.is_overdue(now) else ""
        typer.echo(
            f"{each.id:>4}  {'|'.join(who.name) if who else 'a patient who is gone'}  since {each.set_at:%Y-%m-%d} by "
            f"{each.set_by}{look_at}: {each.reason}{over}{late}"
        )


def erase_since(settings: "Settings", engine: "sa.Engine", file: Path) -> bool:
    """Carry out again what this database does not know of, and say so; return whether nothing is left."""
    from ivigilant.erasure_register import erase_again, missing_inside, read_key
    from ivigilant.site import load_site
    from ivigilant.site_choices import worker_site

    missing = missing_inside(engine, file)
    if not missing:
        typer.echo(f"every erasure of {file} is carried out in this database")
        return True
    try:
        key = read_key(settings)
    except UnusableSettings as error:
        typer.echo(
            f"WRONG  {len(missing)} erasures were carried out after this database was backed up: their patients are "
            f"back. Then: ivigilant erase again ({error})"
        )
        return False
    site = worker_site(load_site(settings.site_file), settings)
    done = erase_again(engine, site, key, missing, datetime.now(UTC), _note)
    for each in done:
        _tell(each)
        if each.failed:
            _record(engine, "erase", f"erasure {each.line.name}, again: {each.failed}", [None], done=False)
    return not any(each.failed for each in done)


def _tell(each: "ErasedAgain") -> None:
    what = f"erasure {each.line.name} of {each.line.at:%Y-%m-%d %H:%M} UTC"
    if each.failed:
        typer.echo(f"WRONG  {what} is not carried out in this database: {each.failed}")
    else:
        typer.echo(f"{what}: {f'{each.patients} identities erased again' if each.patients else 'nobody of it is here'}")


def _opened(settings: "Settings") -> "tuple[sa.Engine, Site]":
    from ivigilant.site import load_site
    from ivigilant.site_choices import worker_site
    from store.engine import connect

    return connect(settings.database()), worker_site(load_site(settings.site_file), settings)


def _note(connection: "sa.Connection", line: "Erasure", members: Collection[int]) -> None:
    """Write the erasure in the access log; the last thing in its transaction."""
    from ivigilant.command_user import record_command

    what = f"erasure {line.name}: {line.messages} messages; asked by {line.asked_by}, decided by {line.decided_by}"
    record_command(connection, "erase", what, patients=sorted(members), purpose=line.reason)


def _record(engine: "sa.Engine", action: str, what: str, patients: Iterable[int | None], *, done: bool = True) -> None:
    from ivigilant.command_user import record_command

    with engine.begin() as connection:
        record_command(connection, action, what, patients=sorted(patients, key=str) or [None], done=done)


def _one_person(engine: "sa.Engine", number: str, action: str) -> frozenset[int]:
    """Return the identities of the one patient with this number, or refuse and record it."""
    from store.engine import reading
    from worker.erase import person_with

    with reading(engine) as connection:
        found = person_with(connection, number)
    if not isinstance(found, frozenset):
        _record(engine, action, found.kind, [None], done=False)
        raise ErasureRefused(_sentence(engine, found))
    return found


def _require_two_people(texts: dict[str, str], actor: str) -> None:
    """Refuse when whoever carries it out decided it, or whoever asked for it did."""
    for option, text in texts.items():
        if not text:
            raise ErasureRefused(f"{option}: it must be said, and the register keeps it")
    runs = actor.removesuffix(" at the command line").casefold()
    decided = texts["--decided-by"].casefold()
    if decided in (runs, texts["--asked-by"].casefold()):
        raise ErasureRefused(
            "--decided-by: it takes two people: whoever decides neither asks for it nor runs this command"
        )


def _require_no_patient_data(engine: "sa.Engine", texts: dict[str, str], found: "ErasurePlan") -> None:
    """Refuse a text that names the patient: the register is kept for good, and elsewhere."""
    from store import patients
    from store.engine import reading

    with reading(engine) as connection:
        rows = patients.of_ids(connection, found.members)
    names = {
        str(row.demographics.get(field) or "") for row in rows.values() for field in ("family", "given", "birth_date")
    }
    telling = {each.casefold() for each in names | {value for _, value in found.names} if len(each) >= 4}
    for option, text in texts.items():
        if any(each in text.casefold() for each in telling):
            raise ErasureRefused(f"{option}: it names the patient, and the register is kept without patient data")


def _counted(found: "ErasurePlan") -> str:
    in_the_way = f"; in the way: {', '.join(each.kind for each in found.obstacles)}" if found.obstacles else ""
    return f"{found.goes.get('message', 0)} messages, {found.goes.get('fact', 0)} facts{in_the_way}"


def _show(found: "ErasurePlan") -> None:
    if not found.members:
        return
    typer.echo(f"one patient, known by {len(found.names)} numbers")
    typer.echo("goes")
    for kind, count in found.goes.items():
        typer.echo(f"{count:>8}  {_GOES[kind]}")
    typer.echo("stays")
    for kept, count in found.stays.items():
        rows = found.rows.get(kept, ())
        named = f" ({', '.join(map(str, rows[:20]))}{', …' if len(rows) > 20 else ''})" if rows else ""
        typer.echo(f"{count:>8}  {_STAYS[kept]}{named}")
    typer.echo(_OUTSIDE)


def _show_obstacles(engine: "sa.Engine", obstacles: "Sequence[Obstacle]") -> None:
    for each in obstacles:
        typer.echo(f"REFUSED  {_sentence(engine, each)}")


def _sentence(engine: "sa.Engine", obstacle: "Obstacle") -> str:
    ids = ", ".join(map(str, obstacle.ids[:20])) + (", …" if len(obstacle.ids) > 20 else "")
    if obstacle.kind in ("held", "held_other"):
        return _held(engine, obstacle)
    return {
        "unknown": "no patient has this number",
        "several": f"{ids} patients have this number: name the authority as well, as AUTHORITY|VALUE",
        "unclear": "it is not certain who this patient is: merges contradict each other, or another patient has the "
        "same citizen service number. Correct that first (Merges in the inbox)",
        "nothing": "nothing of this patient is stored any more but the number, for the access log",
        "waiting": f"messages of the patient wait for a worker, and may hold an order: {ids}. Try again in a minute",
        "unanswered": f"alerts of the patient wait for a pharmacist, or come back by a follow-up: {ids}. Settle them",
        "open_orders": f"IVIg orders are still open: {ids}. A change of them would be judged without a history: if "
        "nothing more is given, say so with --treatment-is-over",
        "covers": f"alerts of another patient stand under a decision for this one: {ids}. Settle them first",
    }[obstacle.kind]


def _held(engine: "sa.Engine", obstacle: "Obstacle") -> str:
    from store import holds
    from store.engine import reading

    with reading(engine) as connection:
        standing = {each.id: each for each in holds.every(connection)}
    said = [
        f"hold {each.id} since {each.set_at:%Y-%m-%d} by {each.set_by}"
        + (f", to look at on {each.review_at:%Y-%m-%d}" if each.review_at else "")
        + (f": {each.reason}" if obstacle.kind == "held" else "")
        for each in map(standing.get, obstacle.ids)
        if each is not None
    ]
    whose = "the patient" if obstacle.kind == "held" else "somebody whom messages of the patient mention"
    return f"a legal hold stands on {whose}: {'; '.join(said)}"
