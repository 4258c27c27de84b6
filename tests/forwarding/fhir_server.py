"""A FHIR R4 server on loopback: it searches by identifier, carries out transactions, and judges what it got."""

import importlib
import json
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fhirclient.models.fhirabstractbase import FHIRValidationError

from forwarding.fhir import FhirServer
from tests.forwarding.contract import SECRET, Received

Resource = dict[str, Any]
ANSWERS = {"accepted": 200, "busy": 503, "refused": 422}

# Required bindings, of which the models know nothing: hl7.org/fhir/R4, pages detectedissue, communication and bundle.
OBSERVATION_STATUS = {"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error"}
EVENT_STATUS = {"preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error"}
BINDINGS = {
    ("DetectedIssue", "status"): OBSERVATION_STATUS | {"unknown"},
    ("DetectedIssue", "severity"): {"high", "moderate", "low"},
    ("Communication", "status"): EVENT_STATUS | {"unknown"},
    ("Communication", "priority"): {"routine", "urgent", "asap", "stat"},
    ("Bundle", "type"): {"transaction", "searchset"},
    ("AuditEvent", "action"): {"C", "R", "U", "D", "E"},
    ("AuditEvent", "outcome"): {"0", "4", "8", "12"},
    ("CapabilityStatement", "status"): {"draft", "active", "retired", "unknown"},
    ("CapabilityStatement", "kind"): {"instance", "capability", "requirements"},
}


def faults_of(resource: Resource) -> Iterator[str]:
    """Judge it as R4 (4.0.1): elements, types, what is needed, and the codes that are bound."""
    kind = resource["resourceType"]
    model = getattr(importlib.import_module(f"fhirclient.models.{kind.lower()}"), kind)
    try:
        model(resource, strict=True).as_json()
    except FHIRValidationError as fault:
        yield str(fault)
    for (of, name), codes in BINDINGS.items():
        if of == kind and name in resource and resource[name] not in codes:
            yield f"{kind}.{name}: {resource[name]}"


class FhirStore:
    """The server in a thread of its own."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.bundles: list[Resource] = []
        self.status = ANSWERS["accepted"]
        self.waits_s = 0.0  # before each answer
        self.drips = False  # never comes to the end of its headers
        self.closing = Event()
        self.body: bytes | None = None  # sent instead of an answer
        self.body_of_transactions: bytes | None = None  # sent instead of carrying one out
        self.tokens: list[str | None] = []
        self.resources: dict[str, Resource] = {}  # by kind/id
        self.hidden = False  # the search finds nothing, as when an issue is created meanwhile
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/fhir"
        self.thread = Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        store = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the web server calls it by this name
                self._answer(store.status, lambda: store.search(parse_qs(urlsplit(self.path).query)["identifier"][0]))

            def do_POST(self) -> None:  # the web server calls it by this name
                content = self.rfile.read(int(self.headers["Content-Length"])).decode()
                store.tokens.append(self.headers["Authorization"])
                if store.body_of_transactions is not None:
                    self._send(store.status, store.body_of_transactions)
                    return
                self._answer(store.status, lambda: store.transact(f"{self.headers}{content}", json.loads(content)))

            def _answer(self, status: int, content: Any) -> None:
                answer = content() if status == 200 else {}
                status = 412 if answer is None else status
                self._send(status, json.dumps(answer).encode() if store.body is None else store.body)

            def _send(self, status: int, body: bytes) -> None:
                store.closing.wait(store.waits_s)
                with suppress(OSError):  # who asked may be gone
                    self.send_response(status)
                    while store.drips and not store.closing.wait(0.01):
                        self.send_header("X-More", "to come")
                        self.flush_headers()
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the parent's
                """Say nothing."""

        return Handler

    def search(self, identifiers: str) -> Resource:
        """Answer with the issues that have one of them."""
        found = [] if self.hidden else [self._named("DetectedIssue", each) for each in identifiers.split(",")]
        entries = [{"resource": resource} for resource in found if resource]
        return {"resourceType": "Bundle", "type": "searchset", "entry": entries}

    def transact(self, text: str, bundle: Resource) -> Resource | None:
        """Carry it out whole; None when something was changed since it was looked up."""
        self.bundles.append(bundle)
        entries = bundle["entry"]
        for entry in entries:
            if "ifMatch" in entry["request"] and entry["request"]["ifMatch"] != self._version(entry["request"]["url"]):
                return None
        key = entries[-1]["resource"]["identifier"][0]["value"]
        self.received.append(Received(key, text))
        answers = [{"response": {"status": self._carry_out(**entry)}} for entry in entries]
        return {"resourceType": "Bundle", "type": "transaction-response", "entry": answers}

    def _carry_out(self, fullUrl: str, resource: Resource, request: Resource) -> str:  # noqa: N803  # names of FHIR
        place = request["url"]
        if request["method"] == "POST":
            if self._named(place, parse_qs(request["ifNoneExist"])["identifier"][0]):
                return "200 OK"
            place = f"{place}/{len(self.resources) + 1}"
        is_new = place not in self.resources
        number = 1 if is_new else int(self.resources[place]["meta"]["versionId"]) + 1
        self.resources[place] = resource | {"id": place.partition("/")[2], "meta": {"versionId": str(number)}}
        return "201 Created" if is_new else "200 OK"

    def _named(self, kind: str, identifier: str) -> Resource | None:
        system, _, value = identifier.rpartition("|")
        named = {"system": system, "value": value}
        return next((each for each in self.of(kind) if named in each["identifier"]), None)

    def _version(self, place: str) -> str:
        return f'W/"{self.resources[place]["meta"]["versionId"]}"'

    def of(self, kind: str) -> list[Resource]:
        """Return every resource of a kind."""
        return [each for each in self.resources.values() if each["resourceType"] == kind]

    def faults(self) -> list[str]:
        """Judge everything that arrived."""
        arrived = [*self.bundles, *(entry["resource"] for bundle in self.bundles for entry in bundle["entry"])]
        return [fault for each in arrived for fault in faults_of(each)]

    def destination(self) -> FhirServer:
        """Return a forwarder that posts here."""
        return FhirServer("ehr", self.url, SECRET, timeout_s=30)

    def answers(self, kind: str) -> None:
        """Answer from now on as told."""
        self.status = ANSWERS[kind]

    def hangs_up(self) -> None:
        """Listen no more."""
        self.server.shutdown()
        self.server.server_close()

    def close(self) -> None:
        """End the threads."""
        self.closing.set()
        self.hangs_up()
        self.thread.join(5)
