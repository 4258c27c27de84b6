"""The part `sign_in` of the site file: who may sign in, and how."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from inbox.people.permissions import ROLES
from inbox.people.safe_addresses import is_safe
from ivigilant.site_section import Section


def _is_role(role: str) -> str:
    if role not in ROLES:
        raise ValueError(f"{role}  is not a role; the roles are {', '.join(ROLES)}")
    return role


def _is_issuer(issuer: str) -> str:
    if not is_safe(issuer) or "?" in issuer or "#" in issuer:
        raise ValueError("should be an address as https://login.hospital.example/realms/care, without ? and #")
    return issuer


def _asks_openid(scopes: tuple[str, ...]) -> tuple[str, ...]:
    if "openid" not in scopes:
        raise ValueError("should hold openid, or the provider says nothing of who signs in")
    return scopes


Role = Annotated[str, AfterValidator(_is_role)]
Group = Annotated[str, Field(min_length=1)]


class ProviderSection(Section):
    """The identity provider of the hospital; its secret is the setting oidc_client_secret."""

    name: str = Field(min_length=1, max_length=30)  # on the button
    issuer: Annotated[str, AfterValidator(_is_issuer)]
    client_id: str = Field(min_length=1)
    groups: dict[Group, Role] = Field(min_length=1)  # theirs → our role; the first that somebody is in counts
    groups_claim: str = Field("groups", min_length=1)  # or a path, as realm_access.roles
    name_claim: str = Field("name", min_length=1)
    scopes: Annotated[tuple[str, ...], AfterValidator(_asks_openid)] = ("openid", "profile")
    session_minutes: int = Field(60, ge=5, le=720)  # so long a role counts before the provider is asked again
    max_age_minutes: Annotated[int, Field(ge=1)] | None = None  # since somebody proved there who she is
    prompt: Literal["login", "consent", "select_account"] | None = None  # what it asks of whoever signs in
    certificates: Path | None = None  # PEM: an authority that this machine does not know
    proxy: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None


class SignInSection(Section):
    """Who may sign in: local accounts, people of an identity provider, or both."""

    local_accounts: Literal["all", "break-glass"] = "all"
    break_glass: tuple[Annotated[str, Field(min_length=1)], ...] = ()  # local accounts for an emergency
    second_factor: tuple[Role, ...] = ()  # whose local accounts show a code of an authenticator beside the password
    provider: ProviderSection | None = None

    @model_validator(mode="after")
    def _somebody_can_sign_in(self) -> "SignInSection":
        if self.local_accounts == "break-glass" and (self.provider is None or not self.break_glass):
            raise ValueError("local_accounts: break-glass needs a provider, and an account under break_glass")
        return self
