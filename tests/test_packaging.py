"""Our packages have short names, which nobody else may claim; and what they need is pinned in every list."""

from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("ivigilant", "listener", "parsers", "rules", "store", "worker", "inbox", "forwarding")


def claimants() -> dict[str, set[str]]:
    """Which other installed distributions bring a package of one of our names."""
    brought = metadata.packages_distributions()
    return {name: others for name in OURS if (others := set(brought.get(name, ())) - {"ivigilant"})}


def test_no_other_installed_distribution_claims_one_of_our_package_names() -> None:
    assert claimants() == {}


def test_a_distribution_that_does_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tmp_path / "webshop-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: webshop\nVersion: 1.0\n")
    (record / "RECORD").write_text("store/__init__.py,,\nwebshop/__init__.py,,\n")
    monkeypatch.syspath_prepend(tmp_path)

    assert claimants() == {"store": {"webshop"}}


@pytest.mark.parametrize("extra", ["embedded", "apprise", "otel", "dev"])
def test_every_list_of_packages_holds_those_of_the_product_itself(extra: str) -> None:
    product, larger = (
        {line.split()[0] for line in (ROOT / name).read_text().splitlines() if "==" in line}
        for name in ("requirements.txt", f"requirements-{extra}.txt")
    )

    assert product
    assert product <= larger
