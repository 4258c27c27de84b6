"""Wires the packages together, one function per role. No other module knows them all.

A role imports only its own packages, when it starts: a listener does not need the pages.
"""

import gc
import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from celery import Celery
from celery.signals import task_postrun, task_prerun, worker_process_init, worker_process_shutdown

from ivigilant.access_roots import DailyRoot
from ivigilant.attending import Attendant, Hearing, Turn, end_parent, end_when_told, worker_name
from ivigilant.beat import Beat, repeat
from ivigilant.broker import AFTER_S, DELIVER, PROCESS, PROVE, WORKER, Bell, WorkerRole, make_celery, own_queue
from ivigilant.descriptors import affordable
from ivigilant.errors import UnusableSettings
from ivigilant.ledger import DailyLedger, read_signer
from ivigilant.settings import Settings
from ivigilant.site import SiteFile, load_site
from ivigilant.supervisor import end_with_parent, stop_on_signals
from store import feeds
from store.engine import connect

if TYPE_CHECKING:
    from inbox.http.parts import Parts
    from inbox.http.settings import InboxSettings
    from ivigilant.tracing import Tracing
    from worker.worker import Worker

SLOW_NICE = 10  # long tasks leave the processors to urgent ones


def utc_now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)


def make_worker(settings: Settings, engine: sa.Engine, bell: Bell) -> "Worker":
    """Return a worker with everything it needs."""
    from inbox.live.events import LiveEvents
    from ivigilant.canary import canary_counts_for
    from ivigilant.knowledge.site_knowledge import living_knowledge
    from ivigilant.site_choices import destinations, worker_site
    from worker.worker import Leases, Worker

    site = load_site(settings.site_file)
    knowledge = living_knowledge(settings, site)
    return Worker(
        engine=engine,
        knowledge=knowledge.current(),
        newest_knowledge=knowledge.current,
        site=replace(worker_site(site, settings), canary_counts_for=canary_counts_for(site, settings)),
        clock=utc_now,
        announce=LiveEvents(engine, settings.redis()).publish,
        ring_deliveries=bell.deliver,
        ring_messages=bell.process_unless_busy,
        destinations=destinations(site, settings),
        link_of=lambda alert: f"{settings.address()}/alerts/{alert}",
        reply_link=partial(_reply_link, settings),
        home=f"{settings.address()}/notices",
        leases=Leases(timedelta(seconds=settings.left_behind_s), timedelta(seconds=settings.delivery_lease_s)),
    )


def _reply_link(settings: Settings, alert: int, event: int, person: str, now: datetime) -> str:
    """Return a signed link; none where the secret of the inbox is not known."""
    from forwarding.reply_links import LINK_LASTS, ReplyLink, sign_link

    if settings.secret_key is None:
        return ""
    token = sign_link(ReplyLink(alert, event, person, now + LINK_LASTS), settings.secret_key.get_secret_value())
    return f"{settings.address()}/reply/{token}"


def make_quiet_worker(settings: Settings) -> "Worker":
    """Return a worker for a command that changes the history: without queue and pages."""
    from ivigilant.knowledge.site_knowledge import site_knowledge
    from ivigilant.site_choices import worker_site
    from worker.worker import Worker

    site = load_site(settings.site_file)
    engine = connect(settings.database())
    return Worker(engine, site_knowledge(settings, site), worker_site(site, settings), utc_now)


def work(settings: Settings, role: WorkerRole = WORKER) -> int:
    """Run a worker until asked to stop, and return its exit code."""
    app, engine = make_celery(settings.redis()), connect(settings.database())
    bell = Bell(app)
    worker = replace(make_worker(settings, engine, bell), last_resort=role.is_slow)
    name, parent = worker_name(role.name), os.getpid()
    own = own_queue(f"{name}.{parent}")
    app.conf.update(
        task_queues=[*app.conf.task_queues, own],
        task_soft_time_limit=role.task_s,
        task_time_limit=role.task_s + AFTER_S,
    )
    if role.is_slow:
        os.nice(SLOW_NICE)
    attendant = Attendant(
        worker,
        name,
        lanes=role.queues,
        longest_task_s=app.conf.task_time_limit,
        ring=lambda: bell.prove(own.name),
        hearing=Hearing(),
        turn=Turn(),
        end=lambda: end_parent(parent),
    )
    tracing = make_tracing(settings, engine)
    if tracing is not None:
        kinds = {form.name: form.kind for form in load_site(settings.site_file).destinations}
        worker = replace(worker, destinations=tracing.sending(worker.destinations, kinds))
        worker_process_shutdown.connect(lambda **_: tracing.close(), weak=False)
    bind_tasks(app, worker, tracing)
    _attend(app, engine, attendant)
    end_when_told()
    gc.collect()
    os.register_at_fork(before=gc.freeze)  # a collection in a child would copy every page that it looks through
    return _consume(app, settings, [*role.queues, own.name])


def _attend(app: Celery, engine: sa.Engine, attendant: Attendant) -> None:
    """Let the attendant of each child begin with it, and hear of every task."""

    def prove(_ids: Sequence[int]) -> None:
        attendant.prove()

    def start_child(**_: Any) -> None:
        end_with_parent()
        engine.dispose(close=False)  # sockets and files of the parent must not be used
        attendant.start()

    app.task(prove, name=PROVE)
    worker_process_init.connect(start_child, weak=False)
    task_prerun.connect(lambda **_: attendant.begin_task(), weak=False)
    task_postrun.connect(lambda **_: attendant.turn.end(), weak=False)


def _consume(app: Celery, settings: Settings, queues: Sequence[str]) -> int:
    """Take tasks from these queues until asked to stop, and return the exit code."""
    process = app.Worker(
        concurrency=settings.worker_processes,
        queues=queues,
        pool="prefork",
        loglevel=settings.log_level.upper(),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    process.start()
    return int(process.exitcode or 0)


def make_tracing(settings: Settings, engine: sa.Engine) -> "Tracing | None":
    """Return what makes the spans of this process; None where no traces are wanted."""
    if not settings.tracing:
        return None
    try:
        from ivigilant.tracing import Tracing
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise UnusableSettings(
            "IVIGILANT_TRACING is set, and OpenTelemetry is not installed: install requirements-otel.txt "
            "(docs/operating.md, Traces)"
        ) from None
    return Tracing(engine, utc_now)


def bind_tasks(app: Celery, worker: "Worker", tracing: "Tracing | None" = None) -> None:
    """Bind the tasks of the queue to this worker."""
    from worker.canary import notify_nobody
    from worker.deliver import deliver
    from worker.tasks import process_messages

    processing = process_messages if tracing is None else tracing.processing(process_messages)

    def process(ids: Sequence[int]) -> None:
        processing(worker, ids)

    def send(ids: Sequence[int]) -> None:
        deliver(worker, ids or None)
        notify_nobody(worker)

    app.task(process, name=PROCESS)
    app.task(send, name=DELIVER)


def listen(settings: Settings) -> None:
    """Run the listener until asked to stop."""
    import uvloop

    from ivigilant.receiving import receive

    site = load_site(settings.site_file)
    engine = connect(settings.database())
    declare_feeds(engine, site)
    tracing = make_tracing(settings, engine)
    try:
        uvloop.run(receive(settings, site, engine, Bell(make_celery(settings.redis())), tracing))
    finally:
        if tracing is not None:
            tracing.close()


def beat(settings: Settings) -> None:
    """Run the scheduler until asked to stop."""
    from ivigilant.canary import make_canary
    from worker.auditor import Auditor
    from worker.due import carry_out_due
    from worker.local_codes import settle
    from worker.rejudge import KnowledgeWatch
    from worker.sweep import sweep

    bell = Bell(make_celery(settings.redis()))
    engine = connect(settings.database())
    worker = make_worker(settings, engine, bell)
    site = load_site(settings.site_file)
    declare_feeds(engine, site)
    settle(worker)
    stopping = threading.Event()
    stop_on_signals(stopping)
    watch = KnowledgeWatch()
    daily = DailyLedger(engine, read_signer(settings.signing_key()), utc_now)
    daily_root = DailyRoot(engine, settings.access_roots, utc_now)

    def look_after() -> None:
        sweep(worker)
        watch.look(worker)
        daily.look()
        daily_root.look()

    every = timedelta(seconds=settings.beat_every_s)
    # Beside the beat, in which answering everything again may take minutes: what is due waits for nothing.
    look_for_canary = make_canary(engine, site, settings, utc_now, stopping.wait)
    beside = [
        threading.Thread(target=repeat, args=(what, every, stopping), daemon=True)
        for what in (partial(carry_out_due, worker), Auditor(worker).look, look_for_canary)
    ]
    for thread in beside:
        thread.start()
    Beat(engine, utc_now, sweep=look_after, ring=bell.deliver).run(every, stopping)
    for thread in beside:
        thread.join()


def sweep_once(settings: Settings) -> int:
    """Queue again the messages that were left behind, and return how many."""
    from worker.sweep import sweep

    engine = connect(settings.database())
    return sweep(make_worker(settings, engine, Bell(make_celery(settings.redis())))).messages


def declare_feeds(engine: sa.Engine, site: SiteFile) -> None:
    """Store the feeds of the site file, including those that have never sent anything."""
    from history.messages import is_imported

    limits = {feed.name: None if feed.silence_after_s == "never" else feed.silence_after_s for feed in site.feeds}
    # What comes from files is not waited for.
    silent = {feed.name for feed in site.feeds if feed.silence_after_s == "never" or is_imported(feed.name)}
    with engine.begin() as connection:
        feeds.declare(connection, limits, utc_now(), silent)


def serve(settings: Settings) -> None:
    """Serve the inbox until asked to stop."""
    import uvicorn

    from inbox.app import create_app
    from inbox.http.connections import NamedProxies, bounded

    app = create_app(_inbox_parts(settings))
    gc.collect()
    gc.freeze()  # looking through the knowledge for garbage would hold up every page for a tenth of a second
    uvicorn.run(
        NamedProxies(app, settings.proxies()),
        proxy_headers=False,
        host=settings.http_host,
        port=settings.http_port,
        log_config=None,
        access_log=False,
        server_header=False,
        http=bounded(affordable(settings.http_connections, "connections")),
        backlog=1024,
        timeout_graceful_shutdown=5,
    )


def _inbox_parts(settings: Settings) -> "Parts":
    """Connect what the inbox asks: the database, the knowledge, the queue, and who else looks."""
    from inbox.app import make_parts
    from inbox.live.events import LiveEvents
    from inbox.live.presence import Presence, SharedPresence
    from ivigilant.knowledge.site_knowledge import living_knowledge
    from ivigilant.site_choices import worker_site
    from worker.drafts import judge_drafts
    from worker.worker import Worker

    site = load_site(settings.site_file)
    engine = connect(settings.database())
    bell = Bell(make_celery(settings.redis()))
    knowledge = living_knowledge(settings, site)
    choices = worker_site(site, settings)
    judging = Worker(engine, knowledge.current(), choices, utc_now, newest_knowledge=knowledge.current)
    return make_parts(
        engine=engine,
        knowledge=knowledge,
        settings=_inbox_settings(settings, site),
        clock=utc_now,
        events=LiveEvents(engine, settings.redis()),
        requeue=lambda ids: bell.process("orders", ids),
        judge_drafts=partial(judge_drafts, judging),
        presence=Presence(SharedPresence(settings.redis())),
    )


def _inbox_settings(settings: Settings, site: SiteFile) -> "InboxSettings":
    from zoneinfo import ZoneInfo

    from inbox.http.settings import Approval, DestinationShown, InboxSettings
    from ivigilant.canary import canary_counts_for
    from ivigilant.site_choices import due_limits, hook_settings, listener_places, sign_in_settings

    if settings.secret_key is None:
        raise UnusableSettings("IVIGILANT_SECRET_KEY is missing: every inbox needs the same, of 32 characters or more")
    return InboxSettings(
        secret=settings.secret_key.get_secret_value(),
        zone=ZoneInfo(site.zone or "UTC"),
        site_name=site.name,
        languages=site.languages,
        listener=listener_places(site, settings),
        base_url=settings.address(),
        secure_cookies=settings.address().startswith("https://"),
        approval=Approval(approved.approved_by, approved.approved_on, approved.version)
        if (approved := site.knowledge)
        else None,
        due=due_limits(site),
        telling=site.telling,
        destinations=tuple(DestinationShown(form.name, form.kind) for form in site.destinations),
        canary_counts_for=canary_counts_for(site, settings),
        hooks=hook_settings(site, settings),
        sign_in=sign_in_settings(site, settings),
    )
