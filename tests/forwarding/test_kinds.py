"""The table of kinds is whole: each kind can be opened from a site file, and satisfies the contract."""

import importlib
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from forwarding.contract import DestinationForm
from forwarding.errors import OddDestination
from forwarding.kinds import AnyDestination
from forwarding.mail import MailForm
from ivigilant.settings import Settings
from ivigilant.site import SiteFile
from ivigilant.site_choices import destinations
from tests.forwarding.contract import ForwarderContract

FORMS: tuple[type[DestinationForm], ...] = get_args(get_args(AnyDestination)[0])
KINDS = [get_args(form.model_fields["kind"].annotation)[0] for form in FORMS]
OPERATING = Path(__file__).parents[2] / "docs" / "operating.md"


@pytest.mark.parametrize("form", FORMS)
def test_every_kind_passes_the_contract_in_a_test_beside_it(form: type[DestinationForm]) -> None:
    tests = importlib.import_module(f"tests.forwarding.test_{form.__module__.removeprefix('forwarding.')}")

    assert [
        value
        for value in vars(tests).values()
        if isinstance(value, type) and issubclass(value, ForwarderContract) and value is not ForwarderContract
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_opened_as_the_guide_for_administrators_writes_it(kind: str, tmp_path: Path) -> None:
    (secret := tmp_path / "secret").write_text("a-secret-that-stays-home")
    (example,) = [place for place in _examples() if place["kind"] == kind]
    if "secret_file" in example:
        example["secret_file"] = secret
    settings = Settings(smtp_host="mail.example", smtp_sender="ivigilant@ziekenhuis.example")

    opened = destinations(SiteFile(destinations=(example,)), settings)

    assert list(opened) == [example["name"]]


def test_a_destination_that_cannot_work_is_named() -> None:
    form = MailForm(kind="mail", name="pharmacy", recipients=("apotheek@ziekenhuis.example",))

    with pytest.raises(OddDestination, match=r"IVIGILANT_SMTP_HOST.*pharmacy"):
        form.open(Settings())


def _examples() -> list[dict[str, Any]]:
    text = OPERATING.read_text()
    block = text[text.index("\ndestinations:\n") :].split("```", 1)[0]
    found: list[dict[str, Any]] = yaml.safe_load(block)["destinations"]
    return found
