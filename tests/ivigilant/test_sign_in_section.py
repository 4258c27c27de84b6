"""The section of the site file that says who may sign in, and what the check-up says of the identity provider."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from ivigilant.checkup import look_at
from ivigilant.errors import UnusableSettings, UnusableSite
from ivigilant.settings import Settings
from ivigilant.site import SiteFile, load_site
from ivigilant.site_choices import sign_in_settings
from tests.inbox.identity_provider import a_provider

GUIDE = Path(__file__).parents[2] / "docs" / "operating.md"
NOW = datetime(2026, 11, 29, tzinfo=UTC)
ONE = """\
sign_in:
  local_accounts: break-glass
  break_glass: [emergency]
  provider:
    name: Hospital
    issuer: https://login.hospital.example
    client_id: ivigilant
    groups:
      IVIg-leads: lead
      Pharmacy: pharmacist
"""


def load(folder: Path, text: str) -> SiteFile:
    path = folder / "site.yaml"
    path.write_text(text)
    return load_site(path)


def test_without_the_section_local_accounts_sign_in() -> None:
    found = sign_in_settings(SiteFile(), Settings())

    assert (found.provider, found.local_accounts, found.break_glass) == (None, True, frozenset())


def test_the_example_of_the_guide_is_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(sign_in:.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)

    file = load(tmp_path, blocks[0])
    found = sign_in_settings(file, Settings(oidc_client_secret=SecretStr("s")))

    assert found.provider is not None
    assert found.provider.settings.roles[0] == ("IVIg-hoofdapothekers", "lead")
    assert (found.local_accounts, found.break_glass) == (False, frozenset({"noodtoegang"}))


def test_the_example_of_a_second_factor_is_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(sign_in:.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)

    found = sign_in_settings(load(tmp_path, blocks[1]), Settings())

    assert found.second_factor == {"lead", "administrator"}
    asked = [found.needs_second_factor("els", role, None) for role in ("lead", "administrator", "pharmacist")]
    assert asked == [True, True, False]


def test_a_provider_needs_its_secret(tmp_path: Path) -> None:
    with pytest.raises(UnusableSettings, match="IVIGILANT_OIDC_CLIENT_SECRET is missing"):
        sign_in_settings(load(tmp_path, ONE), Settings())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ONE.replace(": lead", ": boss"), "9: sign_in.provider.groups.IVIg-leads: boss  is not a role; the roles are"),
        (ONE.replace("https:", "http:"), "6: sign_in.provider.issuer: should be an address as https://"),
        (ONE.replace("    client_id: ivigilant\n", ""), "4: sign_in.provider.client_id: is needed"),
        (ONE.replace("client_id", "clientid"), "7: sign_in.provider.clientid: is not a setting"),
        (ONE.partition("      IVIg")[0] + "      {}\n", "8: sign_in.provider.groups: "),
        (ONE.replace("[emergency]", "[]"), "1: sign_in: local_accounts: break-glass needs a provider, and an account"),
        (ONE.partition("  provider")[0], "1: sign_in: local_accounts: break-glass needs a provider"),
        (ONE.replace("break-glass\n", "none\n"), "2: sign_in.local_accounts: should be 'all' or 'break-glass'"),
        (ONE + "    scopes: [profile]\n", "11: sign_in.provider.scopes: should hold openid"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UnusableSite) as refused:
        load(tmp_path, text)

    assert f"site.yaml:{said}" in str(refused.value)


def told_of_sign_in(folder: Path, issuer: str, secret: SecretStr | None) -> list[tuple[bool, str]]:
    path = folder / "site.yaml"
    path.write_text(ONE.replace("https://login.hospital.example", issuer))
    settings = Settings(site_file=path, data_dir=folder, oidc_client_secret=secret)
    return [(line.well, line.detail) for line in look_at(settings, NOW) if line.what == "sign-in"]


def test_the_check_up_asks_the_provider_for_its_keys(tmp_path: Path) -> None:
    with a_provider(lambda: NOW) as provider:
        well = told_of_sign_in(tmp_path, provider.address, SecretStr("s"))
        provider.says = {"jwks_uri": f"{provider.address}/nothing"}
        without = told_of_sign_in(tmp_path, provider.address, SecretStr("s"))
    away = told_of_sign_in(tmp_path, provider.address, SecretStr("s"))
    unset = told_of_sign_in(tmp_path, provider.address, None)

    assert well == [(True, f"{provider.address} has 1 keys")]
    named = f"sign_in.provider.issuer is {provider.address}: {provider.address}"
    assert without == [(False, f"{named}/nothing: HTTP 404")]
    assert away == [(False, f"{named}/.well-known/openid-configuration: ConnectError")]
    assert [(well, "IVIGILANT_OIDC_CLIENT_SECRET is missing" in text) for well, text in unset] == [(False, True)]
