"""The table of kinds is whole: each kind can be opened from a site file, and satisfies the contract."""

import importlib
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from forwarding.contract import DestinationForm
from forwarding.errors import OddDestination
from forwarding.mail import MailForm
from ivigilant.errors import UnusableSite
from ivigilant.settings import Settings
from ivigilant.site import SiteFile, load_site
from ivigilant.site_choices import destinations
from tests.forwarding.contract import ForwarderContract
from tests.forwarding.every_kind import FORMS, KINDS

ROOT = Path(__file__).parents[2]
OPERATING = ROOT / "docs" / "operating.md"


def _examples() -> list[dict[str, Any]]:
    text = OPERATING.read_text()
    block = text[text.index("\ndestinations:\n") :].split("```", 1)[0]
    found: list[dict[str, Any]] = yaml.safe_load(block)["destinations"]
    return found


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
    (secret := tmp_path / "secret").write_text("https://chat.example/a-secret-that-stays-home")  # it may be an address
    (example,) = [place for place in _examples() if place["kind"] == kind]
    (address := tmp_path / "address").write_text("jsons://chat.example/")
    files = {"secret_file": secret, "token_file": secret, "url_file": address}
    example |= {name: file for name, file in files.items() if name in example}
    settings = Settings(smtp_host="mail.example", smtp_sender="ivigilant@ziekenhuis.example")

    opened = destinations(SiteFile(destinations=(example,)), settings)

    assert list(opened) == [example["name"]]


@pytest.mark.parametrize("form", FORMS)
def test_a_setting_that_is_left_out_is_named_with_its_line(form: type[DestinationForm], tmp_path: Path) -> None:
    needed = [name for name, field in form.model_fields.items() if field.is_required() and name not in ("kind", "name")]
    (example,) = [place for place in _examples() if (place["kind"],) == get_args(form.model_fields["kind"].annotation)]
    site = tmp_path / "site.yaml"

    for name in needed:
        site.write_text(yaml.safe_dump({"destinations": [{key: example[key] for key in example if key != name}]}))

        with pytest.raises(UnusableSite, match=rf":\d+: .*\.{name}: is needed"):
            load_site(site)


@pytest.mark.parametrize(
    ("example", "setting"),
    [(each, name) for each in _examples() for name in each if name.endswith("_file")],
    ids=lambda value: value if isinstance(value, str) else value["kind"],
)
def test_a_file_that_is_missing_is_named_with_its_setting_at_the_start(example: dict[str, Any], setting: str) -> None:
    with pytest.raises(UnusableSite, match=rf"{example['name']}.*{setting}.*cannot be read"):
        destinations(SiteFile(destinations=(example | {setting: "/nowhere/at/all"},)), Settings())


@pytest.mark.parametrize("words", sorted((ROOT / "inbox" / "words").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_kind_has_its_word_on_the_page(words: Path) -> None:
    assert set(yaml.safe_load(words.read_text())["notices"]["kind"]) == set(KINDS)


def test_a_destination_that_cannot_work_is_named() -> None:
    form = MailForm(kind="mail", name="pharmacy", recipients=("apotheek@ziekenhuis.example",))

    with pytest.raises(OddDestination, match=r"IVIGILANT_SMTP_HOST.*pharmacy"):
        form.open(Settings())
