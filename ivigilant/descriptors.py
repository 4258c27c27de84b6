"""The number of connections that a process has file descriptors for."""

import contextlib
import resource

import structlog

log = structlog.get_logger()

SPARE = 128  # for the database, the queue, files and the listening sockets themselves


def affordable(wanted: int, what: str) -> int:
    """Raise the limit of descriptors for this many connections, and return how many it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + SPARE
    if soft != resource.RLIM_INFINITY and soft < needed:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (_raised(needed, hard), hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    enough = wanted if soft == resource.RLIM_INFINITY else max(min(wanted, soft - SPARE), 1)
    if enough < wanted:
        log.warning("process.few_descriptors", limit=soft, needed=needed, **{what: enough})
    return enough


def _raised(needed: int, hard: int) -> int:
    return needed if hard == resource.RLIM_INFINITY else min(needed, hard)
