"""What each role may do: the one table, and how a route says what it needs."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final


class Permission(StrEnum):
    """Something that a role allows; also the scope of a token."""

    ALERTS_READ = "alerts:read"  # alerts, answers, patients, hand-over, reports
    ALERTS_ACT = "alerts:act"
    CODES_READ = "codes:read"
    CODES_DECIDE = "codes:decide"  # for the whole hospital, every patient
    MERGES_READ = "merges:read"
    MERGES_DECIDE = "merges:decide"
    RULES_READ = "rules:read"
    MESSAGES_READ = "messages:read"
    MESSAGES_REPROCESS = "messages:reprocess"
    CITIZEN_NUMBERS_READ = "citizen_numbers:read"  # whole, by the JSON API; a page never shows more than their end
    NOTICES_READ = "notices:read"
    NOTICES_SEND = "notices:send"
    STATUS_READ = "status:read"  # the banners: what is down, parked or silent
    METRICS_READ = "metrics:read"  # /metrics
    SCHEMA_READ = "schema:read"
    ACCESS_READ = "access:read"  # the access log
    ACCOUNTS_MANAGE = "accounts:manage"
    SESSION_OWN = "session:own"


_SIGNED_IN = frozenset({Permission.SESSION_OWN, Permission.SCHEMA_READ})
_OPERATING = _SIGNED_IN | {
    Permission.MESSAGES_READ,
    Permission.MESSAGES_REPROCESS,
    Permission.NOTICES_READ,
    Permission.NOTICES_SEND,
    Permission.STATUS_READ,
    Permission.METRICS_READ,
}
_VIEWER = _SIGNED_IN | {
    Permission.ALERTS_READ,
    Permission.CODES_READ,
    Permission.MERGES_READ,
    Permission.RULES_READ,
    Permission.MESSAGES_READ,
    Permission.NOTICES_READ,
    Permission.STATUS_READ,
}
_PHARMACIST = _VIEWER | {Permission.ALERTS_ACT, Permission.MERGES_DECIDE, Permission.MESSAGES_REPROCESS}

ROLES: Final[Mapping[str, frozenset[Permission]]] = MappingProxyType(
    {
        "viewer": _VIEWER,
        "pharmacist": _PHARMACIST,
        "lead": _PHARMACIST | _OPERATING | {Permission.CODES_DECIDE},
        "operator": _OPERATING | {Permission.CITIZEN_NUMBERS_READ},  # looks after who is who in what was sent
        "administrator": _SIGNED_IN | {Permission.ACCOUNTS_MANAGE},
        "auditor": _SIGNED_IN | {Permission.ACCESS_READ},
    }
)

HOMES: Final = (  # the first that may be seen
    (Permission.ALERTS_READ, "/"),
    (Permission.MESSAGES_READ, "/messages"),
    (Permission.ACCESS_READ, "/access"),
    (Permission.ACCOUNTS_MANAGE, "/accounts"),
)

NEEDED: Final = "permission"  # in the options of a route
ANYONE: Final = "anyone"  # marks a route that also answers who is not signed in


def needs(permission: Permission) -> dict[str, Any]:
    """Return the options of a route that only who has the permission may use."""
    return {NEEDED: permission}


def roles_with(permission: Permission) -> tuple[str, ...]:
    """Return the roles that allow this."""
    return tuple(role for role, permissions in ROLES.items() if permission in permissions)
