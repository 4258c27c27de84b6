"""Notices posted to a FHIR R4 server: a DetectedIssue per alert, and a Communication that says what happened.

Both go in one transaction. The Communication is created only where none has the key of the notice, so a notice that is
sent again makes no second one. The DetectedIssue is found by the number of the alert and brought up to date, unless it
says already what is later. Neither names a patient.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import ClassVar, Final, Literal
from urllib.parse import urlencode

from clinical.words import PriorityWord
from forwarding.contract import DestinationForm, ProcessSettings, secret_in
from forwarding.deadline import within
from forwarding.detected_issue import AUTHOR, Issue, IssueAct, Resource, detected_issue, system_of
from forwarding.errors import OddDestination, Unreachable
from forwarding.http import answer_to, check_address, judge
from forwarding.notice import AnyNotice, FaultNotice, GatheredAlert, Kind
from forwarding.wording import WORDS, NoticeWords, subject, text, words_in

_PRIORITY: Final[Mapping[PriorityWord, str]] = {"urgent": "stat", "prompt": "urgent"}
_SETTLED: Final[tuple[Kind, ...]] = ("acknowledged", "resolved")
_BY_A_PERSON: Final[tuple[Kind, ...]] = ("taken_on", *_SETTLED)
_CATEGORIES: Final = "http://terminology.hl7.org/CodeSystem/communication-category"
_MOST_BYTES: Final = 2**20  # of an answer
_CHANGED_MEANWHILE: Final = (409, 412)
_CREATED_OR_THERE: Final = ("200", "201")  # 201: created, 200: it was there already


class FhirForm(DestinationForm):
    """A FHIR R4 server."""

    kind: Literal["fhir"]
    deadline_s: ClassVar[float] = 20.0  # for both requests together
    url: str  # under which the resources stand
    token_file: Path | None = None  # a bearer token
    plaintext: bool = False

    def open(self, settings: ProcessSettings) -> "FhirServer":
        """Return the server, with the token that the file holds now."""
        token = secret_in(self, "token_file") if self.token_file else ""
        return FhirServer(self.name, self.url.rstrip("/"), token, plaintext=self.plaintext)


@dataclass(frozen=True, slots=True)
class FhirServer:
    """One server of FHIR R4 resources."""

    name: str
    url: str
    token: str = field(default="", repr=False)
    timeout_s: float = FhirForm.deadline_s
    plaintext: bool = False  # allow http to another machine
    word_files: Path = WORDS
    tls: SSLContext = field(default_factory=create_default_context, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Reject an address that would send unencrypted, and a token that no header can hold."""
        check_address(f"fhir {self.name}", self.url, plaintext=self.plaintext)
        if not self.token.isascii() or any(sign.isspace() for sign in self.token):
            raise OddDestination(f"fhir {self.name}: token_file holds no token, which is one word of plain ASCII")

    def forward(self, notice: AnyNotice) -> None:
        """Look up what the server has of the alerts, and post what is new of them."""
        within(self.timeout_s, self._forward(notice))

    async def _forward(self, notice: AnyNotice) -> None:
        alerts = () if isinstance(notice, FaultNotice) else notice.alerts
        stored = await self._stored(alerts)
        bundle = _transaction(notice, alerts, stored, self.url, self.word_files)
        made = _statuses(await self._ask("POST", "", bundle))
        if len(made) != len(bundle["entry"]) or made[-1] not in _CREATED_OR_THERE:
            raise Unreachable("the answer is not that of a transaction that was carried out")
        new = [alert for alert in alerts if alert.alert not in stored]
        if "200" in made[: len(new)]:  # it exists, and says what another notice said
            raise Unreachable("the issue was created by another notice meanwhile")

    async def _stored(self, alerts: Sequence[GatheredAlert]) -> dict[str, Resource]:
        """Return the issues that the server has, by the number of the alert."""
        if not alerts:
            return {}
        wanted = {alert.alert: system_of(alert.link) for alert in alerts}
        named = ",".join(f"{system}|{number}" for number, system in wanted.items())
        answer = await self._ask("GET", f"/DetectedIssue?{urlencode({'identifier': named})}")
        if answer.get("resourceType") != "Bundle":
            raise Unreachable("the search was not answered with a Bundle")
        issues = [entry.get("resource", {}) for entry in answer.get("entry", ())]
        return {
            number: issue
            for issue in issues
            for each in issue.get("identifier", ())
            if (number := each.get("value", "")) in wanted and each.get("system") == wanted[number]
        }

    async def _ask(self, method: Literal["GET", "POST"], path: str, content: Resource | None = None) -> Resource:
        """Return what the server answers, {} when that is not a JSON object; errors never quote it."""
        headers = {"Accept": "application/fhir+json", "User-Agent": "ivigilant", "Cache-Control": "no-cache"}
        if content is not None:
            headers["Content-Type"] = "application/fhir+json"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        body = None if content is None else json.dumps(content).encode()
        async with answer_to(method, self.url + path, headers=headers, content=body, tls=self.tls) as answer:
            if answer.status_code in _CHANGED_MEANWHILE:
                raise Unreachable(f"HTTP {answer.status_code}: it was changed meanwhile")
            judge(answer.status_code)
            received = b""
            async for part in answer.aiter_bytes():
                received += part
                if len(received) > _MOST_BYTES:
                    raise Unreachable("the answer does not end")
        return _object(received)


def _object(raw: bytes) -> Resource:
    try:
        content = json.loads(raw)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _statuses(answer: Resource) -> list[str]:
    """Return the status of each entry, in the order of the request; [] when it is not an answer to a transaction."""
    if (answer.get("resourceType"), answer.get("type")) != ("Bundle", "transaction-response"):
        return []
    return [str(each.get("response", {}).get("status", ""))[:3] for each in answer.get("entry", ())]


def _transaction(
    notice: AnyNotice,
    alerts: Sequence[GatheredAlert],
    stored: Mapping[str, Resource],
    url: str,
    word_files: Path,
) -> Resource:
    """Return the bundle: issues that are new first, then those that change, then the Communication about all."""
    new, changed, about = [], [], []
    words = words_in(notice.language, word_files)
    for alert in alerts:
        issue, system = stored.get(alert.alert), system_of(alert.link)
        content = _issue(alert, notice.occurred_at, words)
        if issue is None:
            address = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, alert.link)}"
            new.append(_entry(address, content, _create("DetectedIssue", system, alert.alert)))
        else:
            address = f"{url}/DetectedIssue/{issue['id']}"
            if _sequence(issue) < alert.sequence:
                changed.append(_entry(address, _updated(issue, content), _update(issue)))
        about.append({"reference": address})
    key, system = notice.idempotency_key, system_of(notice.link)
    address = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{system}|{key}')}"
    communication = _entry(address, _communication(notice, about, word_files), _create("Communication", system, key))
    return {"resourceType": "Bundle", "type": "transaction", "entry": [*new, *changed, communication]}


def _issue(alert: GatheredAlert, at: datetime, words: NoticeWords) -> Resource:
    kind, tier = words.kind[alert.kind], words.tier[alert.tier]
    act = IssueAct(alert.kind, kind, at)
    issue = Issue(
        alert=alert.alert,
        link=alert.link,
        sequence=alert.sequence,
        tier=alert.tier,
        tier_text=tier,
        is_settled=alert.kind in _SETTLED,
        identified_at=at,
        detail=f"{tier} ({kind})",
        acts=[act] if alert.kind in _BY_A_PERSON else (),
    )
    return detected_issue(issue)


def _updated(issue: Resource, content: Resource) -> Resource:
    """Return the issue as it is now; what others added to it stays, and so does when it was found."""
    ours = {"severity", "mitigation"}  # which a later notice may leave out
    others = {name: value for name, value in issue.items() if name not in ours}
    return others | content | {"identifiedDateTime": issue.get("identifiedDateTime", content["identifiedDateTime"])}


def _communication(notice: AnyNotice, about: Sequence[Resource], word_files: Path) -> Resource:
    system = system_of(notice.link)
    is_fault = isinstance(notice, FaultNotice)
    return {
        "resourceType": "Communication",
        "language": notice.language,
        "identifier": [{"system": system, "value": notice.idempotency_key}],
        "status": "completed",
        "category": [{"coding": [{"system": _CATEGORIES, "code": "notification" if is_fault else "alert"}]}],
        "priority": "routine" if isinstance(notice, FaultNotice) else _PRIORITY.get(notice.priority, "routine"),
        "topic": {"coding": [{"system": f"{system}#event", "code": notice.kind}]},
        **({"about": list(about)} if about else {}),
        "sent": notice.occurred_at.isoformat(),
        "sender": AUTHOR,
        "payload": [{"contentString": subject(notice, word_files)}, {"contentString": text(notice, word_files)}],
    }


def _entry(address: str, content: Resource, request: Resource) -> Resource:
    return {"fullUrl": address, "resource": content, "request": request}


def _create(kind: str, system: str, value: str) -> Resource:
    return {"method": "POST", "url": kind, "ifNoneExist": urlencode({"identifier": f"{system}|{value}"})}


def _update(issue: Resource) -> Resource:
    version = issue.get("meta", {}).get("versionId")
    guard = {"ifMatch": f'W/"{version}"'} if version else {}
    return {"method": "PUT", "url": f"DetectedIssue/{issue['id']}", **guard}


def _sequence(issue: Resource) -> int:
    """Return the line of the record up to which it speaks."""
    found = [each.get("valueInteger", 0) for each in issue.get("extension", ()) if _is_sequence(each)]
    return max(found, default=0)


def _is_sequence(extension: Resource) -> bool:
    return str(extension.get("url", "")).endswith("#sequence")
