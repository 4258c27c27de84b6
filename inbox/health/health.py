"""`/health/live` and `/health/ready`: for a balancer, a container and an administrator."""

from typing import Any

from litestar import Response, Router, get

from inbox.health.readiness import readiness
from inbox.http.parts import AnyRequest, parts_of


@get("/live", sync_to_thread=False, summary="Whether this process answers")
def live() -> dict[str, bool]:
    """Always true, when it is answered."""
    return {"live": True}


@get("/ready", summary="Whether an order that arrives now is judged within seconds")
async def ready(request: AnyRequest) -> Response[dict[str, Any]]:
    """200 when every part is there and no message waits too long; else 503, and what is wrong."""
    found = await readiness(parts_of(request))
    content = {
        "ready": found.is_ready,
        "database": found.database,
        "redis": found.redis,
        "listener": found.listener,
        "worker": found.worker_alive,
        "worker_heartbeat_age_s": found.worker_age.total_seconds() if found.worker_age is not None else None,
        "oldest_unprocessed_age_s": found.oldest.total_seconds() if found.oldest is not None else 0,
        "keeping_up": found.keeping_up,
    }
    return Response(content, status_code=200 if found.is_ready else 503)


router = Router("/health", route_handlers=[live, ready], tags=["health"])
