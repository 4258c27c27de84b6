"""What one hospital may say about itself in its site file."""

from collections.abc import Iterator
from datetime import date
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from history.marks import is_imported
from parsers.chart.condition_words import Status
from parsers.hl7.charsets import codec_of

Language = Literal["nl", "en"]
Tier = Literal["contraindication", "high", "moderate"]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name} is no time zone; write it as Europe/Amsterdam") from None
    return name


def _known_charset(name: str) -> str:
    if codec_of(name) is None:
        raise ValueError(f"{name} is no character set of table 0211; write it as 8859/1 or UNICODE UTF-8")
    return name


def _host_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    try:
        parts = urlsplit(f"//{text}")
        good = bool(parts.hostname) and parts.port is not None and parts.netloc == text and "@" not in text
    except ValueError:
        good = False
    if not good or not host or not 1 <= int(port) <= 65535:
        raise ValueError(f"{text} is no HOST:PORT")
    return text.lower()


Zone = Annotated[str, AfterValidator(_known_zone)]
Charset = Annotated[str, AfterValidator(_known_charset)]
HostAndPort = Annotated[str, AfterValidator(_host_and_port)]


def _off(value: object) -> object:
    """YAML reads the word off as no."""
    return "off" if value is False else value


SegmentName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{2}$")]


class Section(BaseModel):
    """A part of the file; a word it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Measured(Section):
    """The field that holds a number, and the unit it is in."""

    segment: SegmentName
    field: int = Field(ge=1)
    component: int = Field(1, ge=1)
    unit: str


class Weight(Measured):
    """Where a weight stands."""

    unit: Literal["kg", "g", "lb"] = "kg"


class Height(Measured):
    """Where a height stands."""

    unit: Literal["cm", "m", "in"] = "cm"


class Diagnosis(Section):
    """The field that holds diagnoses or contra-indications, and the system of a code that names none."""

    segment: SegmentName
    field: int = Field(ge=1)
    system: str = ""


class Fields(Section):
    """Where a feed writes what the standard has another place for, or none."""

    weight: Weight | None = None
    height: Height | None = None
    diagnosis: Diagnosis | None = None


class Reading(Section):
    """What messages mean where they leave it open."""

    zone: Zone | None = None
    authority: str | None = None  # of an identifier that names none
    charset: Charset | None = None  # where MSH-18 is empty
    mrn_authorities: tuple[str, ...] | None = None  # whose number is the patient's identity, the first one wins
    authorities: dict[str, str] | None = None  # FHIR identifier system: the authority that messages write for it
    code_systems: dict[str, str] | None = None  # the sender's name: ours
    problem_statuses: dict[str, Status] | None = None  # the sender's word: what it means
    fields: Fields | None = None


class Feed(Reading):
    """A system that sends to us, how it is recognised, and in what it differs from the site."""

    name: str = Field(min_length=1)
    port: int | None = Field(None, ge=1, le=65535)
    address: IPv4Network | IPv6Network | None = None
    certificate: str | None = None  # the common name of its client certificate
    sending_application: str | None = None  # MSH-3
    sending_facility: str | None = None  # MSH-4
    ack_mode: Literal["auto", "original", "enhanced", "none"] = "auto"
    app_ack_route: HostAndPort | None = None  # where it hears how its messages ended, when MSH-16 asks for that
    processing_ids: tuple[Literal["P", "T", "D"], ...] = ("P", "T", "D")
    unknown_types: Literal["ignore", "reject"] = "ignore"
    batch_ack: bool = False  # answer a batch with a batch
    accept_unframed: bool = False  # take its messages without SB
    placer_authoritative: bool = True  # its cancel stops the order; false: the pharmacy confirms first
    silence_after_s: int | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _is_recognisable(self) -> "Feed":
        given = (self.port, self.address, self.certificate, self.sending_application, self.sending_facility)
        if is_imported(self.name):
            if any(value is not None for value in given):
                raise ValueError(f"{self.name} is for `ivigilant history import`; no message is recognised as it")
        elif all(value is None for value in given):
            raise ValueError("a feed is recognised by a port, an address, a certificate or its MSH-3 or MSH-4")
        return self

    @model_validator(mode="after")
    def _can_be_told_later(self) -> "Feed":
        if self.app_ack_route is not None and self.ack_mode not in ("auto", "enhanced"):
            raise ValueError("app_ack_route needs ack_mode auto or enhanced: in another mode the first answer is all")
        return self


class LocalCode(Section):
    """A code of the house, and the value set it belongs to."""

    system: str
    code: str
    value_set: str


class Destination(Section):
    """Where notices go, and from which tier on."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,60}$")  # travels in headers and keys
    min_tier: Tier = "moderate"


class MailDestination(Destination):
    """People who get a mail; the server stands in the settings."""

    kind: Literal["mail"]
    recipients: tuple[str, ...] = Field(min_length=1)


class WebhookDestination(Destination):
    """A system that gets a signed POST."""

    kind: Literal["webhook"]
    url: str
    secret_file: Path
    plaintext: bool = False


AnyDestination = Annotated[MailDestination | WebhookDestination, Field(discriminator="kind")]


class Approval(Section):
    """Who approved the rules at this site, and which version of them: `ivigilant knowledge check` prints it."""

    approved_by: str = Field(min_length=1)
    approved_on: date
    version: str = Field(min_length=1)


Days = Annotated[int, Field(ge=31)]  # the risk of an infusion lasts for thirty


class Retention(Section):
    """How many days the text of a message is kept (`ivigilant prune`); empty: for good."""

    processed_days: Days | None = 1825
    ignored_days: Days | None = 365
    types: dict[Annotated[str, Field(pattern=r"^[A-Z0-9]{3}(\^[A-Z0-9]{3})?$")], Days] = {}


class Policy(Section):
    """What the hospital chooses otherwise than the rules do by themselves (rules/policy.yaml, `choices`)."""

    at_risk_from: int | None = Field(None, ge=1, le=6)  # different risk factors
    scig_prior_vte: Annotated[Literal["off", "information"], BeforeValidator(_off)] | None = None


class SiteFile(Reading):
    """Everything one hospital says about itself."""

    name: str = "IVIgilant"
    zone: Zone = "Europe/Amsterdam"  # of everything that names none
    languages: tuple[Language, ...] = Field(("nl", "en"), min_length=1)
    unknown_sources: Literal["process", "park"] = "process"
    allowed_addresses: tuple[IPv4Network | IPv6Network, ...] = ()  # who may connect; empty: everybody
    feeds: tuple[Feed, ...] = ()
    codes: tuple[LocalCode, ...] = ()
    knowledge: Approval | None = None
    policy: Policy = Policy()
    retention: Retention = Retention()
    destinations: tuple[AnyDestination, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> "SiteFile":
        for what, names in (("feeds", self.feeds), ("destinations", self.destinations)):
            twice = _first_repeated(entry.name for entry in names)
            if twice is not None:
                raise ValueError(f"two {what} are called {twice}")
        return self


def _first_repeated(names: Iterator[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
