"""The site file: what one hospital says about itself, checked, with each fault at its line."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ivigilant.errors import UnusableSite

Language = Literal["nl", "en"]
Tier = Literal["contraindication", "high", "moderate"]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name} is no time zone; write it as Europe/Amsterdam") from None
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


class Section(BaseModel):
    """A part of the file; a word it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Reading(Section):
    """What messages mean where they leave it open."""

    zone: Zone | None = None
    authority: str | None = None  # of an identifier that names none
    charset: str | None = None  # where MSH-18 is empty
    mrn_authorities: tuple[str, ...] | None = None  # whose number is the patient's identity, the first one wins
    code_systems: dict[str, str] | None = None  # the sender's name: ours
    problem_statuses: dict[str, str] | None = None  # the sender's word: active, resolved or inactive


class Feed(Reading):
    """A system that sends to us, how it is recognised, and in what it differs from the site."""

    name: str = Field(min_length=1)
    port: int | None = Field(None, ge=1, le=65535)
    address: IPv4Network | IPv6Network | None = None
    certificate: str | None = None  # the common name of its client certificate
    sending_application: str | None = None  # MSH-3
    sending_facility: str | None = None  # MSH-4
    ack_mode: Literal["auto", "original", "enhanced", "none"] = "auto"
    processing_ids: tuple[Literal["P", "T", "D"], ...] = ("P", "T", "D")
    placer_authoritative: bool = True  # its cancel stops the order; false: the pharmacy confirms first
    silence_after_s: int | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _is_recognisable(self) -> "Feed":
        given = (self.port, self.address, self.certificate, self.sending_application, self.sending_facility)
        if all(value is None for value in given):
            raise ValueError("a feed is recognised by a port, an address, a certificate or its MSH-3 or MSH-4")
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


class SiteFile(Reading):
    """Everything one hospital says about itself."""

    name: str = "IVIgilant"
    zone: Zone = "Europe/Amsterdam"  # of everything that names none
    languages: tuple[Language, ...] = Field(("nl", "en"), min_length=1)
    unknown_sources: Literal["process", "park"] = "process"
    allowed_addresses: tuple[IPv4Network | IPv6Network, ...] = ()  # who may connect; empty: everybody
    feeds: tuple[Feed, ...] = ()
    codes: tuple[LocalCode, ...] = ()
    destinations: tuple[AnyDestination, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> "SiteFile":
        for what, names in (("feeds", self.feeds), ("destinations", self.destinations)):
            twice = _first_repeated(entry.name for entry in names)
            if twice is not None:
                raise ValueError(f"two {what} are called {twice}")
        return self


def load_site(path: Path | None) -> SiteFile:
    """Read the file, or raise UnusableSite with a line per fault; without a file the defaults hold."""
    if path is None:
        return SiteFile()
    try:
        document = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSite(f"{path} cannot be read ({type(error).__name__})") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnusableSite(f"{path}:{line}: {error.problem}") from None
    if document is None:
        return SiteFile()
    faults = [f"{path}:{key.start_mark.line + 1}: {key.value} is said twice" for key in _repeated_keys(document)]
    if faults:
        raise UnusableSite("\n".join(faults))
    return _validated(document, path)


def _validated(document: yaml.Node, path: Path) -> SiteFile:
    loader = yaml.SafeLoader("")
    try:
        content = loader.construct_document(document)
        return SiteFile.model_validate(content)
    except yaml.constructor.ConstructorError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnusableSite(f"{path}:{line}: {error.problem}") from None
    except ValidationError as error:
        lines = [
            f"{path}:{_line_of(document, fault['loc'])}: {_dotted(fault['loc'])}{fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise UnusableSite("\n".join(lines)) from None


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


def _repeated_keys(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        seen: set[Any] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated_keys(value)


def _first_repeated(names: Iterator[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
