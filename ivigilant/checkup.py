"""The checks of `ivigilant doctor`, each reported in one line that says what to do."""

import asyncio
import os
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import redis
import sqlalchemy as sa

from inbox.people.accounts import user_names
from inbox.people.provider import ProviderAway
from ivigilant.broker import EVERY_QUEUE, where
from ivigilant.canary import canary_counts_for
from ivigilant.erasure_register import missing_inside, missing_outside
from ivigilant.errors import IvigilantError, UnusableSettings
from ivigilant.health_checks import Line, ago, beat, certificate, inbox, listener, tasks_taken
from ivigilant.knowledge.site_knowledge import site_knowledge
from ivigilant.ledger import read_signer
from ivigilant.settings import ERASURE_KEY, ERASURES, SIGNING_KEY, STACK_FILE, Settings
from ivigilant.site import SiteFile, load_site, names_of
from ivigilant.site_choices import destinations, hook_settings, require_known_senders, sign_in_settings
from listener.tls import SOON
from store import (
    application_acks,
    canary,
    deliveries,
    feeds,
    heartbeats,
    holds,
    incidents,
    ledger,
    message_queries,
    migrate,
    patients,
    retention,
    telling_audit,
)
from store.engine import connect, reading
from store.errors import StoreError
from store.feeds import Feed
from store.incidents import FEED_FAULTS
from store.last_heard import ALIVE_WITHIN
from store.patients import NamesakeClues

LOOKED_AT = 50_000  # the newest patients
_SEEN_BY_CHANCE = 2  # pairs whose numbers differ by a last digit: fewer may be twins

PRIVATE = ("ivigilant.sqlite3", "secret-key", SIGNING_KEY, ERASURE_KEY, ERASURES, STACK_FILE)  # of the data folder
LEAST_WRITE = 64 * 1024
LEAST_FREE = 256 * 2**20
WAITS_AT_MOST = timedelta(minutes=2)
TELLING_FAULTS = {
    "no-next-step": "open alerts that nobody will be notified of any more",
    "told-nobody": "open alerts that are overdue, and that nobody was notified of yet",
    "due-not-tried": "steps were not carried out in time; is beat running?",
    "notices-not-tried": "notices were not sent in time; is a worker running?",
}
FEED_FAULTS_SEEN = {
    "clock": "its times differ from ours",
    "parked": "its messages are accepted and then parked",
    "gap": "messages of it are missing; ask the sender to send them again",
    "undeclared": "it sends and is not in the site file",
}
LEDGER_AGE = timedelta(hours=26)  # it is verified every day


def look_at(settings: Settings, now: datetime) -> Iterator[Line]:
    """Run every check in turn; nothing is changed."""
    yield _site(settings)
    yield _knowledge(settings)
    yield from _hook_clients(settings, now)
    yield from _identity_provider(settings, now)
    yield _redis(settings)
    yield from _room(settings)
    yield from listener(settings)
    yield from certificate(settings, now, ends_well_after=SOON)
    yield inbox(settings)
    yield from refused_starts(settings)
    yield _proxies(settings)
    yield _signing_key(settings)
    yield from _stored(settings, now)


def _stored(settings: Settings, now: datetime) -> Iterator[Line]:
    try:
        engine = connect(settings.database())
        yield from _database(engine, settings, now)
    except StoreError as error:
        yield Line("database", False, str(error))
    except sa.exc.SQLAlchemyError as error:
        yield Line("database", False, f"does not answer ({type(error).__name__}); is it running, and migrated?")


def _site(settings: Settings) -> Line:
    try:
        site = load_site(settings.site_file)
        destinations(site, settings)  # a destination that cannot be opened would stop a worker from starting
    except IvigilantError as error:
        return Line("site file", False, str(error))
    if settings.site_file is None:
        return Line("site file", True, "none; every source is unknown and read with the defaults (IVIGILANT_SITE_FILE)")
    return Line("site file", True, f"{len(site.feeds)} feeds, {len(site.destinations)} destinations, {site.zone}")


def _knowledge(settings: Settings) -> Line:
    """Check the rules that a process starting now would use; a running one keeps the last rules without faults."""
    try:
        site = load_site(settings.site_file)
        knowledge = site_knowledge(settings, site)
    except IvigilantError as error:
        faults = str(error).splitlines()
        more = f" (and {len(faults) - 1} more: ivigilant knowledge check)" if len(faults) > 1 else ""
        return Line("knowledge", False, f"has faults and is not used: {faults[0]}{more}")
    approval = site.knowledge
    if approval is None:
        return Line("knowledge", True, f"{knowledge.version}; approved by nobody (knowledge: in the site file)")
    approved = f"approved by {approval.approved_by} on {approval.approved_on:%Y-%m-%d}"
    since = "" if approval.version == knowledge.version else f", as version {approval.version}; it has changed since"
    return Line("knowledge", True, f"{knowledge.version}; {approved}{since}")


def _hook_clients(settings: Settings, now: datetime) -> Iterator[Line]:
    """Check that there are keys for each system that asks by CDS Hooks; a faulty site file was named before."""
    try:
        hooks = hook_settings(load_site(settings.site_file), settings)
    except IvigilantError:
        return
    for client in hooks.issuers if hooks else ():
        keys = client.keys.count(now)
        detail = f"{keys} keys" if keys else f"no key in {client.keys.place}: whatever it asks is refused"
        yield Line(f"CDS client {client.name}", keys > 0, detail)


def _identity_provider(settings: Settings, now: datetime) -> Iterator[Line]:
    """Check that the identity provider says what it is, and has keys; a faulty site file was named before."""
    try:
        site = load_site(settings.site_file)
        provider = sign_in_settings(site, settings).provider
    except UnusableSettings as error:
        yield Line("sign-in", False, str(error))
        return
    except IvigilantError:
        return
    if provider is None:
        return
    issuer = provider.settings.issuer
    try:
        keys = asyncio.run(provider.count_keys(now))
    except ProviderAway as error:
        yield Line("sign-in", False, f"sign_in.provider.issuer is {issuer}: {error}")
        return
    detail = (
        f"{issuer} has {keys} keys" if keys else f"sign_in.provider.issuer is {issuer}: it has no key to verify with"
    )
    yield Line("sign-in", keys > 0, detail)


def refused_starts(settings: Settings) -> Iterator[Line]:
    """Say which settings the listener or the inbox would refuse to start with."""
    try:
        site = load_site(settings.site_file)
    except IvigilantError:
        site = SiteFile()  # the check of the site file reports it
    asked: dict[str, Callable[[], None]] = {
        "listener": partial(require_known_senders, settings, site),
        "inbox": settings.require_base_url,
    }
    for what, require in asked.items():
        try:
            require()
        except UnusableSettings as error:
            yield Line(f"{what} settings", False, str(error))


def _proxies(settings: Settings) -> Line:
    """Check that the proxy that speaks TLS for the inbox is named: else everybody has its address."""
    named = settings.trusted_proxies
    if named or not (settings.base_url or "").startswith("https:"):
        return Line("proxies", True, named or "none")
    detail = "none is named, so that everybody behind one shares its limit on sign-ins (IVIGILANT_TRUSTED_PROXIES)"
    return Line("proxies", False, detail)


def _signing_key(settings: Settings) -> Line:
    """Check the key that signs what is found in the ledger: beat does not start with one that it cannot read."""
    try:
        signer = read_signer(settings.signing_key())
    except IvigilantError as error:
        return Line("signing key", False, str(error))
    return Line("signing key", True, "signs statements" if signer.public_key else "none (IVIGILANT_LEDGER_KEY)")


def _room(settings: Settings) -> Iterator[Line]:
    """Check that the data folder, if there is one, can be written and has room for some hours."""
    folder = settings.data_dir
    if not folder.is_dir():
        return
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(LEAST_WRITE))
            file.flush()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        yield Line("disk", False, f"{folder} cannot be written ({reason}); nothing is acknowledged until it can")
        return
    yield Line("disk", free > LEAST_FREE, f"{free // 2**20} MiB free for {folder}")
    yield from _open_to_others(folder)


def _open_to_others(folder: Path) -> Iterator[Line]:
    """Name the data folder, or a file of ours in it that is about patients or a key, when others may read it."""
    if not folder.stat().st_mode & 0o077:
        return  # whatever stands in it
    held = [path for path in folder.iterdir() if path.is_file() and path.name.startswith(PRIVATE)]
    loose = [path.name for path in sorted(held) if path.stat().st_mode & 0o044]
    if loose:
        detail = f"{folder} is open to others, who may read {', '.join(loose)}: chmod 700 {folder}"
        yield Line("data folder", False, detail)


def _redis(settings: Settings) -> Line:
    try:
        url = settings.redis()
        with redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3, retry=None) as client:
            policy = client.info("memory").get("maxmemory_policy")
            waiting = {name: client.llen(name) for name in EVERY_QUEUE}
    except IvigilantError as error:
        return Line("redis", False, str(error))
    except redis.RedisError as error:
        return Line("redis", False, f"does not answer ({type(error).__name__}); messages are kept, and wait")
    if policy != "noeviction":
        return Line("redis", False, f"may evict tasks: set maxmemory-policy noeviction (it is {policy})")
    return Line("redis", True, f"{where(url)}, waiting: " + ", ".join(f"{n} {name}" for name, n in waiting.items()))


def _database(engine: sa.Engine, settings: Settings, now: datetime) -> Iterator[Line]:
    if not migrate.is_current(engine):
        yield Line("database", False, f"is at {migrate.current(engine)}, not {migrate.head()}: ivigilant db upgrade")
        return
    yield Line("database", True, f"{engine.url.render_as_string(hide_password=True)} at {migrate.head()}")
    with reading(engine) as connection:
        yield from _processes(connection, now)
        yield from _messages(connection, now)
        yield from _feeds(connection, now)
        yield from _deliveries(connection, settings, now)
        yield from _incidents(connection, now)
        yield from _telling(connection, settings, now)
        yield from _replies(connection, settings)
        yield _canary(connection, settings, now)
        yield from _application_acks(connection)
        yield _prunings(connection, now)
        yield _ledger(connection, now)
        yield from _holds(connection, now)
        for detail in suggestions(patients.newest(connection, LOOKED_AT)):
            yield Line("patient numbers", False, detail)
    yield from _erasures(engine, settings)


def _processes(connection: sa.Connection, now: datetime) -> Iterator[Line]:
    seen = heartbeats.last(connection)
    working = heartbeats.judges(seen)
    alive = any(now - at <= ALIVE_WITHIN for at in working.values())
    yield Line("worker", alive, tasks_taken(working, now))  # of some worker, on any machine
    if not heartbeats.is_alive(seen, heartbeats.SLOW_WORKER, now):
        yield Line("slow worker", False, "no worker for large messages is running (ivigilant work --only-slow)")
    yield beat(seen, now)


def _messages(connection: sa.Connection, now: datetime) -> Iterator[Line]:
    counts, oldest = message_queries.counts(connection), message_queries.oldest_received_age(connection, now)
    detail = f"{counts['received']} wait" + (f", the oldest came {ago(oldest)}" if oldest else "")
    yield Line("waiting", oldest is None or oldest <= WAITS_AT_MOST, detail)
    yield Line("parked", not counts["parked"], f"{counts['parked']} wait for a person; see Messages in the inbox")


def _feeds(connection: sa.Connection, now: datetime) -> Iterator[Line]:
    for feed in feeds.every(connection):
        heard = f"last heard {ago(now - feed.last_heard_at)}" if feed.last_heard_at else "never heard"
        known = "" if feed.known else "; not in the site file"
        linked = "; its link is open" if feed.is_linked(now) else ""
        yield Line(f"feed {feed.name}", not feed.is_silent(now), f"{heard}{_limit_of(feed)}{linked}{known}")


def _limit_of(feed: Feed) -> str:
    """Say how long it may be silent, and who says so."""
    if feed.limit_s is None:
        return ""
    learned = "" if feed.silence_after_s is not None else " at this hour (learned)"
    return f"; may be silent for {max(feed.limit_s // 60, 1)} min{learned}"


def _deliveries(connection: sa.Connection, settings: Settings, now: datetime) -> Iterator[Line]:
    """Check what does not arrive; what was meant for a destination that was removed went to another."""
    try:
        named = set(names_of(load_site(settings.site_file).destinations))
    except IvigilantError:
        named = set()  # the check of the site file reports it
    counts = deliveries.counts(connection)
    refused = {place: n for (place, state), n in counts.items() if state == "refused" and place in named}
    for place, how_many in sorted(refused.items()):
        yield Line(f"notices to {place}", False, f"{how_many} refused; correct the destination, then send them again")
    for place, since in deliveries.oldest_waiting(connection).items():
        yield Line(f"notices to {place}", now - since <= WAITS_AT_MOST, f"the oldest was made {ago(now - since)}")


def _incidents(connection: sa.Connection, now: datetime) -> Iterator[Line]:
    for each in incidents.standing(connection):
        if each.kind in FEED_FAULTS or each.kind == "canary":
            continue  # a line of its own says it
        if each.kind == "break_glass":
            detail = "reported outside the inbox" if each.told_at is not None else "not reported outside the inbox yet"
            yield Line(f"emergency {each.subject}", False, f"in use since {ago(now - each.began_at)}: {detail}")
            continue
        detail = "reported by another path" if each.told_at is not None else "not reported to anybody yet"
        what = FEED_FAULTS_SEEN.get(each.kind) or TELLING_FAULTS.get(each.subject, "takes nothing")
        flaps = ", comes and goes" if each.flaps else ""
        yield Line(
            f"incident {each.subject}",
            False,
            f"since {ago(now - each.began_at)}{flaps}: {what} ({each.detail}); {detail}",
        )


def _telling(connection: sa.Connection, settings: Settings, now: datetime) -> Iterator[Line]:
    """Look anew whether the telling holds: the auditor may be down."""
    try:
        has_destinations = bool(load_site(settings.site_file).destinations)
    except IvigilantError:
        has_destinations = False  # the check of the site file reports it
    faults = telling_audit.audit(connection, now, has_destinations=has_destinations)
    for fault in faults:
        named = ", ".join(str(alert) for alert in fault.alerts)
        yield Line("telling", False, f"{fault.count} {TELLING_FAULTS[fault.what]}: alerts {named}")
    if not faults:
        at = heartbeats.last(connection).get("auditor")
        yield Line("telling", True, f"audited {ago(now - at)}" if at else "holds; no auditor has looked lately")


def _replies(connection: sa.Connection, settings: Settings) -> Iterator[Line]:
    """Check that whoever is notified in person can reply: the link of a notice acts under the account of that name."""
    try:
        people = load_site(settings.site_file).telling.people
    except IvigilantError:
        return  # the check of the site file reports it
    if not people:
        return
    without = sorted(people.keys() - user_names(connection))
    detail = f"{', '.join(without)}: no account of this name may take alerts on, so the links in notices open nothing"
    yield Line("reply links", not without, detail if without else f"of {len(people)} people")


def _canary(connection: sa.Connection, settings: Settings, now: datetime) -> Line:
    """Say when the canary last passed, in how many seconds, and what it missed since."""
    try:
        counts_for = canary_counts_for(load_site(settings.site_file), settings)
    except IvigilantError:
        counts_for = None  # the check of the site file reports it
    if counts_for is None:
        return Line("canary", True, "none is sent (canary in the site file, IVIGILANT_CANARY, IVIGILANT_LISTENER_AT)")
    found = canary.state(connection)
    if found.passed is not None and found.passed.ended_at is not None:
        detail = f"passed {ago(now - found.passed.ended_at)} in {found.passed.seconds:.1f} s"
    else:
        detail = "never passed"
    if found.last is not None and found.last.outcome == "failed":
        detail += f"; the last one did not get to {found.last.detail}"
    return Line("canary", found.is_well(now, counts_for), detail)


def _prunings(connection: sa.Connection, now: datetime) -> Line:
    """Report what was last removed, by whom and when; never is not a fault."""
    last = retention.last_pruning(connection)
    if last is None:
        return Line("kept", True, "the text of every message; ivigilant prune shows what may be removed")
    detail = f"{ago(now - last.at)} {last.actor} removed the text of {last.messages} messages, {last.size} bytes"
    return Line("kept", True, f"{detail}; of {retention.pruned_messages(connection)} in all")


def _ledger(connection: sa.Connection, now: datetime) -> Line:
    """What the last daily verification found."""
    last = ledger.last_statement(connection)
    if last is None:
        return Line("ledger", True, "not verified yet; beat does so once a day, or: ivigilant ledger verify")
    signed = "signed" if last.signature else "not signed (IVIGILANT_LEDGER_KEY)"
    detail = f"verified {ago(now - last.at)}, {signed}, up to message {last.last_message}"
    if not last.well:
        return Line("ledger", False, f"{detail}; something is missing: ivigilant ledger show")
    return Line("ledger", now - last.at <= LEDGER_AGE, detail)


def _holds(connection: sa.Connection, now: datetime) -> Iterator[Line]:
    """Name the legal holds after the day on which somebody had to look; none is not a fault."""
    standing = holds.every(connection)
    late = [each for each in standing if each.is_overdue(now)]
    if late:
        named = ", ".join(f"{each.id} (by {each.set_by}, {each.review_at:%Y-%m-%d})" for each in late)
        yield Line("legal holds", False, f"{named}: see whether still needed; until lifted they stand (hold list)")
    elif standing:
        yield Line("legal holds", True, f"{len(standing)} stand: nothing of these patients is erased or ages out")


def _erasures(engine: sa.Engine, settings: Settings) -> Iterator[Line]:
    """Check that the register of erasures outside and the one inside say the same, where there is any."""
    file = settings.erasure_register()
    try:
        back = missing_inside(engine, file) if file is not None else []
        lacking, known = missing_outside(engine, file)
    except IvigilantError as error:
        yield Line("erasures", False, str(error))
        return
    if back:
        yield Line("erasures", False, f"{len(back)} of the register are not carried out here: ivigilant erase again")
    elif lacking:
        yield Line("erasures", False, f"{lacking} are not in the register outside the database: ivigilant erase again")
    elif known:
        yield Line("erasures", True, f"{known} were carried out, all in {file}")


def _application_acks(connection: sa.Connection) -> Iterator[Line]:
    refused = {route: n for (route, state), n in application_acks.counts(connection).items() if state == "refused"}
    for route, how_many in sorted(refused.items()):
        yield Line(f"answers to {route}", False, f"{how_many} refused: the sender does not know how its messages ended")


def suggestions(patients: Iterable[NamesakeClues]) -> Iterator[str]:
    """Return what to put in the site file, found from patients of one name and birth date, without naming them."""
    people: dict[tuple[str, str], list[NamesakeClues]] = defaultdict(list)
    for patient in patients:
        if patient.family and patient.birth_date and not patient.leads_elsewhere:
            people[patient.family.casefold(), patient.birth_date].append(patient)
    same_number, last_digit = Counter[tuple[str, str]](), Counter[str]()
    for group in people.values():
        for one, other in _pairs(group):
            if one.authority != other.authority and one.value == other.value:
                same_number[min(one.authority, other.authority), max(one.authority, other.authority)] += 1
            elif one.authority == other.authority and _is_one_digit_longer(one.value, other.value):
                last_digit[one.authority] += 1
    for (one_name, other_name), count in sorted(same_number.items()):
        yield (
            f"{count} patients have one number, name and birth date under {one_name} and {other_name}: "
            f"if these are one authority, set authorities: {{{one_name}: {other_name}}}"
        )
    for authority, count in sorted(last_digit.items()):
        if count > _SEEN_BY_CHANCE:
            yield (
                f"{count} patients have numbers of {authority} that differ in the last digit only: "
                "if it is a check digit, set check_digits: true for the feed that sends it"
            )


def _pairs(group: list[NamesakeClues]) -> Iterator[tuple[NamesakeClues, NamesakeClues]]:
    for place, one in enumerate(group):
        for other in group[place + 1 :]:
            yield one, other


def _is_one_digit_longer(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return longer.isdecimal() and len(longer) == len(shorter) + 1 and longer.startswith(shorter)
