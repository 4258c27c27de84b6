"""The site file: the settings of one hospital, read and checked, with each fault at its line."""

import os
from collections.abc import Iterable, Iterator
from datetime import date
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    model_validator,
)

from clinical.words import FoundChannel, FoundTier
from forwarding.kinds import AnyDestination
from forwarding.policy import TellingPolicy, unknown_names
from forwarding.wording import WORDS
from history.messages import is_imported
from inbox.http.words import CATALOGUES
from ivigilant.errors import UnusableSite
from ivigilant.sign_in_section import SignInSection
from ivigilant.site_section import Section
from parsers.chart.condition_words import Status
from parsers.hl7.charsets import codec_of
from store.feeds import CANARY

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def spoken_languages() -> tuple[str, ...]:
    """Return the languages for which the pages and the notices have word files."""
    pages, notices = ({path.stem for path in folder.glob("*.yaml")} for folder in (CATALOGUES, WORDS))
    return tuple(sorted(pages & notices))


def _is_spoken(language: str) -> str:
    if language not in spoken_languages():
        raise ValueError(f"there are no word files for {language!r}; known: {', '.join(spoken_languages())}")
    return language


SpokenLanguage = Annotated[str, AfterValidator(_is_spoken)]
_PLAIN_WORDS = {
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "string_type": "should be text; put it between quotation marks",
    "missing": "is needed",
    "union_tag_not_found": "kind is needed",
    "too_short": "should have one entry at least",
    "dict_type": "should hold names and values: {THEIRS: OURS}",
    "tuple_type": "should be a list: [ONE, OTHER]",
    "model_type": "should hold settings, each as NAME: VALUE",
    "bool_parsing": "should be true or false",
}


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name}  is not a time zone; write it as Europe/Amsterdam") from None
    return name


def _known_charset(name: str) -> str:
    if codec_of(name) is None:
        raise ValueError(f"{name}  is not a character set of table 0211; write it as 8859/1 or UNICODE UTF-8")
    return name


def _host_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    try:
        parts = urlsplit(f"//{text}")
        good = bool(parts.hostname) and parts.port is not None and parts.netloc == text and "@" not in text
    except ValueError:
        good = False
    if not good or not host or not 1 <= int(port) <= 65535:
        raise ValueError(f"{text}  is not HOST:PORT")
    return text.lower()


Zone = Annotated[str, AfterValidator(_known_zone)]
Charset = Annotated[str, AfterValidator(_known_charset)]
HostAndPort = Annotated[str, AfterValidator(_host_and_port)]


def _off(value: object) -> object:
    """Accept False for off: YAML reads the word off as false."""
    return "off" if value is False else value


SegmentName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{2}$")]


class MeasuredField(Section):
    """The field that holds a number, and the unit it is in."""

    segment: SegmentName
    field: int = Field(ge=1)
    component: int = Field(1, ge=1)
    unit: str


class WeightField(MeasuredField):
    """The place of a weight."""

    unit: Literal["kg", "g", "lb"] = "kg"


class HeightField(MeasuredField):
    """The place of a height."""

    unit: Literal["cm", "m", "in"] = "cm"


class DiagnosisField(Section):
    """The field that holds diagnoses or contra-indications, and the system of a code that names none."""

    segment: SegmentName
    field: int = Field(ge=1)
    system: str = ""


class FieldsSection(Section):
    """The fields in which a feed writes what the standard puts elsewhere, or nowhere."""

    weight: WeightField | None = None
    height: HeightField | None = None
    diagnosis: DiagnosisField | None = None


class ReadingSection(Section):
    """How to read what messages leave open."""

    zone: Zone | None = None
    authority: str | None = None  # of an identifier that names none
    charset: Charset | None = None  # where MSH-18 is empty
    mrn_authorities: tuple[str, ...] | None = None  # whose number identifies the patient; the first wins
    authorities: dict[str, str] | None = None  # another name of an authority (a FHIR system, an OID) → our name
    code_systems: dict[str, str] | None = None  # the sender's name → our name
    problem_statuses: dict[str, Status] | None = None  # the sender's word → its meaning
    fields: FieldsSection | None = None
    padded_numbers: bool | None = None  # 0012345 and 12345 of one authority are one patient
    check_digits: bool | None = None  # patient numbers end in a check digit that other feeds leave out


class AckTlsSection(Section):
    """TLS on the link over which application acknowledgements are sent."""

    ca_file: Path | None = None  # the authority of the receiver's certificate; without it those the machine trusts
    certificate_file: Path | None = None  # our own, for a receiver that asks for one
    key_file: Path | None = None  # without it the key stands in the same file

    @model_validator(mode="after")
    def _has_a_certificate_for_its_key(self) -> "AckTlsSection":
        if self.key_file is not None and self.certificate_file is None:
            raise ValueError("key_file needs certificate_file")
        return self


class FeedSection(ReadingSection):
    """A system that sends to us: how it is recognised, and its differences from the site's settings."""

    name: str = Field(min_length=1)
    port: int | None = Field(None, ge=1, le=65535)
    address: IPv4Network | IPv6Network | None = None
    certificate: str | None = None  # the common name of its client certificate
    sending_application: str | None = None  # MSH-3
    sending_facility: str | None = None  # MSH-4
    ack_mode: Literal["auto", "original", "enhanced", "none"] = "auto"
    app_ack_route: HostAndPort | None = None  # for application acknowledgements, when MSH-16 asks for them
    app_ack_tls: AckTlsSection | None = None  # without it that link is in clear text; they hold nothing of a patient
    processing_ids: tuple[Literal["P", "T", "D"], ...] = ("P", "T", "D")
    unknown_types: Literal["ignore", "reject"] = "ignore"
    batch_ack: bool = False  # answer a batch with a batch
    accept_unframed: bool = False  # accept its messages without SB
    placer_authoritative: bool = True  # its cancel stops the order; false: the pharmacy confirms first
    silence_after_s: Annotated[int, Field(gt=0)] | Literal["never"] | None = None  # empty: learned
    watch_gaps: bool = True  # numbers that run on by one and then skip are messages that are missing

    @model_validator(mode="after")
    def _is_recognisable(self) -> "FeedSection":
        given = (self.port, self.address, self.certificate, self.sending_application, self.sending_facility)
        if self.name == CANARY:
            raise ValueError(f"{self.name} is the feed of the canary; call this one otherwise")
        if is_imported(self.name):
            if any(value is not None for value in given):
                raise ValueError(f"{self.name} is for `ivigilant history import`; no message is recognised as it")
        elif all(value is None for value in given):
            raise ValueError("a feed is recognised by a port, an address, a certificate or its MSH-3 or MSH-4")
        return self

    @model_validator(mode="after")
    def _can_be_told_later(self) -> "FeedSection":
        if self.app_ack_route is not None and self.ack_mode not in ("auto", "enhanced"):
            raise ValueError("app_ack_route needs ack_mode auto or enhanced: in another mode there is one answer only")
        if self.app_ack_tls is not None and self.app_ack_route is None:
            raise ValueError("app_ack_tls needs app_ack_route")
        return self


class SilenceSection(Section):
    """Between which limits is learned how long a feed without `silence_after_s` may be silent."""

    floor_min: int = Field(15, ge=1, le=1440)
    ceiling_h: int = Field(24, ge=1, le=168)

    @model_validator(mode="after")
    def _is_a_span(self) -> "SilenceSection":
        if self.floor_min > 60 * self.ceiling_h:
            raise ValueError("floor_min is longer than ceiling_h")
        return self


class LocalCodeEntry(Section):
    """A local code, and the value set it belongs to."""

    system: str
    code: str
    value_set: str


class ApprovalSection(Section):
    """Who approved which version of the rules at this site; `ivigilant knowledge check` prints the version."""

    approved_by: str = Field(min_length=1)
    approved_on: date
    version: str = Field(min_length=1)


Days = Annotated[int, Field(ge=31)]  # the risk of an infusion lasts for thirty


class RetentionSection(Section):
    """How many days the text of a message is kept (`ivigilant prune`); empty: for ever."""

    processed_days: Days | None = 1825
    ignored_days: Days | None = 365
    types: dict[Annotated[str, Field(pattern=r"^[A-Z0-9]{3}(\^[A-Z0-9]{3})?$")], Days] = Field(default_factory=dict)


class DueSection(Section):
    """How long an alert may wait for somebody to be on it, and how long she may take (docs/operating.md)."""

    contraindication_min: int = Field(30, ge=1, le=240)
    high_h: int = Field(8, ge=1, le=72)
    moderate_h: int = Field(72, ge=1, le=336)
    before_start_min: int = Field(30, ge=0, le=240)  # a contra-indication is settled this long before its start


class CanarySection(Section):
    """How often a synthetic order goes the whole way, and by when each step must be reached (docs/operating.md)."""

    enabled: bool = True
    every_minutes: float = Field(5, ge=1, le=60)
    within_seconds: float = Field(60, ge=5, le=600)  # for each step
    to: HostAndPort | None = None  # of the listener; without it where its readiness is asked
    ca_file: Path | None = None  # of the listener's certificate; without it that certificate itself
    certificate_file: Path | None = None  # our own, where senders need one
    key_file: Path | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "CanarySection":
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file are needed together")
        if 4 * self.within_seconds > 60 * self.every_minutes:
            raise ValueError("every_minutes is too short: the four steps together may take longer")
        return self


class PolicySection(Section):
    """The hospital's own choices instead of those of rules/policy.yaml (`choices`)."""

    at_risk_from: int | None = Field(None, ge=1, le=6)  # points of the patient
    moderate_from_points: int | None = Field(None, ge=1, le=9)
    high_from_points: int | None = Field(None, ge=1, le=20)
    channels: dict[FoundTier, FoundChannel] | None = None  # the channel of each tier
    rule_channels: dict[str, FoundChannel] | None = None  # the channel of one rule, whatever its tier
    established_therapy: Literal["quieter", "as-others"] | None = None  # IVIg at the same dose for half a year
    scig_prior_vte: Annotated[Literal["off", "information"], BeforeValidator(_off)] | None = None


def _first_repeated(names: Iterator[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


class HookClient(Section):
    """A system that may ask by CDS Hooks: what its tokens say of their issuer, and its public keys."""

    name: str = Field(min_length=1)
    iss: str = Field(min_length=1)
    keys: Path | None = None  # a JWK Set, or one public key in PEM
    jwks_url: Annotated[str, Field(pattern=r"^https://[^\s?#]+$")] | None = None

    @model_validator(mode="after")
    def _has_one_place_for_keys(self) -> "HookClient":
        if (self.keys is None) == (self.jwks_url is None):
            raise ValueError("a client has either keys (a file) or jwks_url (https://…)")
        return self


class HooksSection(Section):
    """CDS Hooks; without a client it is off (docs/cds-hooks.md)."""

    feed: str = "cds-hooks"  # whose settings hold for the resources
    clients: tuple[HookClient, ...] = ()

    @model_validator(mode="after")
    def _issuers_are_unique(self) -> "HooksSection":
        for what, names in (
            ("name", (each.name for each in self.clients)),
            ("iss", (each.iss for each in self.clients)),
        ):
            if (twice := _first_repeated(names)) is not None:
                raise ValueError(f"two clients have the {what} {twice}")
        return self


class SiteFile(ReadingSection):
    """The settings of one hospital."""

    name: str = "IVIgilant"
    zone: Zone = "Europe/Amsterdam"  # of every part that names no language
    languages: tuple[SpokenLanguage, ...] = Field(("nl", "en"), min_length=1)
    unknown_sources: Literal["process", "park"] = "process"
    allowed_addresses: tuple[IPv4Network | IPv6Network, ...] = ()  # addresses that may connect; empty: all
    feeds: tuple[FeedSection, ...] = ()
    codes: tuple[LocalCodeEntry, ...] = ()
    knowledge: ApprovalSection | None = None
    policy: PolicySection = PolicySection()
    retention: RetentionSection = RetentionSection()
    silence: SilenceSection = SilenceSection()
    due: DueSection = DueSection()
    destinations: tuple[AnyDestination, ...] = ()
    telling: TellingPolicy = TellingPolicy()
    cds_hooks: HooksSection = HooksSection()
    sign_in: SignInSection = SignInSection()
    canary: CanarySection = CanarySection()


def load_site(path: Path | None) -> SiteFile:
    """Read the file, or raise UnusableSite with a line per fault; without a file the defaults hold."""
    if path is None:
        return SiteFile()
    try:
        document = _composed(path)
        if document is None:
            return SiteFile()
        faults = [f"{path}:{key.start_mark.line + 1}: {what}" for key, what in _odd_keys(document)]
        if faults:
            raise UnusableSite("\n".join(faults))
        return _validated(document, path)
    except RecursionError:
        raise UnusableSite(f"{path}:1: holds parts within parts without end") from None


def line_in(path: Path, place: tuple[int | str, ...]) -> int:
    """Return the line of a part of a file that was loaded before."""
    document = _composed(path)
    return 1 if document is None else _line_of(document, place)


def _composed(path: Path) -> yaml.Node | None:
    """Return the content with its lines: UTF-8, with or without the mark that Windows writes before it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnusableSite(f"{path} cannot be read ({os.strerror(error.errno or 0)})") from None
    try:
        text = content.decode("utf-8-sig")
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnusableSite(f"{path}:{line}: holds a byte that is not UTF-8; save the file as UTF-8") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UnusableSite(f"{path}:{line}: holds a character that cannot be printed") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnusableSite(f"{path}:{line}: {_plain_problem(error.problem or '')}") from None
    return node


def _plain_problem(problem: str) -> str:
    if "'\\t'" in problem:
        return "holds a tab where blanks belong; indent with blanks"
    return "begins a second document (---); a site file is one" if "another document" in problem else problem


def _validated(document: yaml.Node, path: Path) -> SiteFile:
    loader = yaml.SafeLoader("")
    try:
        content = loader.construct_document(document)
        file = SiteFile.model_validate(content)
    except yaml.constructor.ConstructorError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnusableSite(f"{path}:{line}: {error.problem}") from None
    except ValidationError as error:
        lines = [
            f"{path}:{_line_of(document, _place_of(fault))}: {_dotted(_place_of(fault))}{_words_of(fault)}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise UnusableSite("\n".join(dict.fromkeys(lines))) from None  # an address is tried as IPv4 and as IPv6
    unknown = unknown_names(file.telling, names_of(file.destinations))
    faults = [
        *_names_given_twice(file),
        *_recognised_twice(file.feeds),
        *((("telling", *place), what) for place, what in unknown),
    ]
    if faults:
        raise UnusableSite(
            "\n".join(f"{path}:{_line_of(document, place)}: {_dotted(place)}{what}" for place, what in faults)
        )
    return file


def _names_given_twice(file: SiteFile) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Yield where a feed or a destination stands whose name another has already, and what is wrong."""
    for what, entries in (("feeds", file.feeds), ("destinations", file.destinations)):
        names = [entry.name for entry in entries]
        yield from (
            ((what, at, "name"), f"two {what} are called {name}") for at, name in enumerate(names) if name in names[:at]
        )


def _recognised_twice(feeds: tuple[FeedSection, ...]) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Yield each feed that would never get a message: another before it is recognised by the same."""
    first: dict[tuple[object, ...], str] = {}
    for at, feed in enumerate(feeds):
        by = (feed.port, feed.address, feed.certificate, feed.sending_application, feed.sending_facility)
        if any(value is not None for value in by) and first.setdefault(by, feed.name) != feed.name:
            yield ("feeds", at), f"{feed.name} is recognised by the same as {first[by]}"


def names_of(destinations: Iterable[AnyDestination]) -> list[str]:
    """Return the names of destinations, in the order of the file."""
    return [destination.name for destination in destinations]


def _line_of(node: yaml.Node, place: tuple[int | str, ...]) -> int:
    """Find the line of the deepest part of this place that the file has."""
    line = node.start_mark.line + 1
    for step in place:
        inner: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
            if found is not None:
                line, inner = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            inner = node.value[step]
            line = inner.start_mark.line + 1
        node = inner or node  # a step that only names a kind of destination is not in the file
    return line


def _dotted(place: tuple[int | str, ...]) -> str:
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in place) + ": " if place else ""


_NAMES: Final = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")


def _odd_keys(node: yaml.Node) -> Iterator[tuple[yaml.Node, str]]:
    """Yield each name that YAML reads as something else than text, or that stands there twice, and what is wrong."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                yield key, "a list or a group cannot be a name"
            elif key.tag not in _NAMES:
                yield key, f"{key.value or 'nothing'} is read as a value; put the name between quotation marks"
            elif key.value in seen:
                yield key, f"{key.value} is given twice"
            else:
                seen.add(key.value)
            yield from _odd_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _odd_keys(value)


def _place_of(fault: "ErrorDetails") -> tuple[int | str, ...]:
    """Return the place of the fault in the file, without pydantic's own steps into a union."""
    place = fault["loc"]
    return place[:-1] if _is_address(fault) else place


def _words_of(fault: "ErrorDetails") -> str:
    """Return what is wrong, in words."""
    if _is_address(fault):
        return "should be an address or a network, as 10.1.2.3 or 10.1.0.0/16"
    kind = fault["type"]
    if kind == "extra_forbidden":
        return _unknown_word(fault["loc"])
    if kind == "string_pattern_mismatch" and fault["loc"][-1] == "segment":
        return "should be the name of a segment: three letters or digits, as ZWT"
    if kind == "union_tag_invalid":
        return f"kind: should be one of {fault['ctx']['expected_tags']}"
    return _PLAIN_WORDS.get(kind, fault["msg"].removeprefix("Value error, ").replace("Input should", "should"))


def _is_address(fault: "ErrorDetails") -> bool:
    last = fault["loc"][-1] if fault["loc"] else ""
    return isinstance(last, str) and ("IPv4" in last or "IPv6" in last)


def _unknown_word(place: tuple[int | str, ...]) -> str:
    known = _settings_at(place)
    near = get_close_matches(str(place[-1]), known, 1)
    return f"is not a setting; did you mean {near[0]}?" if near else "is not a setting here"


def _settings_at(place: tuple[int | str, ...]) -> list[str]:
    part: type[BaseModel] | None = SiteFile if len(place) == 1 else None
    if place[0] == "feeds" and len(place) == 3:
        part = FeedSection
    return list(part.model_fields) if part else []
