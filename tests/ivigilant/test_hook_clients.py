"""The section of the site file that says who may ask by CDS Hooks."""

import re
from pathlib import Path

import pytest

from ivigilant.errors import UnusableSite
from ivigilant.settings import Settings
from ivigilant.site import SiteFile, load_site
from ivigilant.site_choices import hook_settings, worker_site

GUIDE = Path(__file__).parents[2] / "docs" / "cds-hooks.md"
ONE = """\
cds_hooks:
  clients:
    - name: EPD
      iss: https://epd.example/
      keys: /etc/epd.json
"""


def load(folder: Path, text: str) -> SiteFile:
    path = folder / "site.yaml"
    path.write_text(text)
    return load_site(path)


def test_without_a_client_it_is_off() -> None:
    assert hook_settings(SiteFile(), Settings()) is None
    assert not worker_site(SiteFile(), Settings()).shows_cards


def test_the_example_of_the_guide_is_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)

    file = load(tmp_path, blocks[0])
    found = hook_settings(file, Settings(base_url="https://ivigilant.example/"))

    assert found is not None
    assert worker_site(file, Settings()).shows_cards
    assert (found.feed, found.address) == ("EPD", "https://ivigilant.example")
    assert [(each.name, each.iss) for each in found.issuers] == [("EPD", "https://epd.ziekenhuis.example/")]
    assert found.issuers[0].keys.place == "https://epd.ziekenhuis.example/.well-known/jwks.json"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ONE.replace("      keys: /etc/epd.json\n", ""), "3: cds_hooks.clients.1: a client has either keys"),
        (ONE + "      jwks_url: https://epd.example/jwks\n", "3: cds_hooks.clients.1: a client has either keys"),
        (ONE.replace("keys: /etc/epd.json", "jwks_url: http://epd.example/jwks"), "5: cds_hooks.clients.1.jwks_url: "),
        (ONE + ONE.partition("clients:\n")[2], "1: cds_hooks: two clients have the name EPD"),
        (ONE.replace("iss:", "issuer:"), "4: cds_hooks.clients.1.issuer: "),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UnusableSite) as refused:
        load(tmp_path, text)

    assert f":{said}" in str(refused.value)
