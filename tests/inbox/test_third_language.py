"""A made-up language that only word files know: pages, alerts and notices speak it, and older alerts are still read."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from clinical.words import PRIORITIES, STREAMS, TIERS
from forwarding.wording import WORDS, subject, text, words_in
from history.conclusion import text_json
from inbox.http.words import CATALOGUES
from ivigilant.site import spoken_languages
from rules.evaluate import evaluate
from rules.load import load_knowledge
from tests.forwarding.builders import a_notice
from tests.inbox.builders import a_conclusion
from tests.inbox.sites import Site, sign_in
from tests.knowledge_folders import a_copy, add_language
from tests.rules.test_evaluate import a_case


def test_pages_and_an_alert_speak_a_language_that_only_files_know(one_site: Site, tmp_path: Path) -> None:
    knowledge = load_knowledge(_knowledge(tmp_path))
    found = evaluate(a_case(diagnosed="I26.9", **{"g/kg/day": "1.0"}), knowledge)
    number = one_site.with_case(told=a_conclusion(text=text_json(found.text)))
    one_site.knowledge = knowledge
    one_site.add_user("iks", language="xx")

    with one_site.client(languages=("xx",), word_files=_words(tmp_path, CATALOGUES)) as client:
        inbox = sign_in(client, "iks").get("/")
        alert = client.get(f"/alerts/{number}")
        rule = client.get("/rules/IG-VTE-001")

    assert 'lang="xx"' in inbox.text
    assert "xx Alerts" in inbox.text
    assert found.text["xx"].startswith("xx ")
    assert found.text["xx"][:60] in alert.text
    assert "Confirm the history." in alert.text  # written before the language was spoken: in English
    assert "xx the order is for" in rule.text


def test_a_notice_is_written_in_a_language_that_only_files_know(tmp_path: Path) -> None:
    folder, notice = _words(tmp_path, WORDS), a_notice(language="xx")

    assert subject(notice, folder) == "[IVIg] xx Contraindication, xx urgent, C4NEU (xx new)"
    assert "xx Read why and settle it:" in text(notice, folder)


@pytest.mark.parametrize("language", spoken_languages())
def test_every_tier_priority_and_stream_has_words_in_a_notice(language: str) -> None:
    words = words_in(language)

    assert (set(words.tier), set(words.priority), set(words.stream)) == (set(TIERS), set(PRIORITIES), set(STREAMS))


def _knowledge(folder: Path) -> Path:
    copied = a_copy(folder / "rules")
    add_language(copied, "xx")
    return copied


def _words(folder: Path, ours: Path) -> Path:
    """English word files, each text after the name of the language."""
    written = folder / ours.parent.name
    written.mkdir()
    english = yaml.safe_load((ours / "en.yaml").read_text(encoding="utf-8"))
    (written / "xx.yaml").write_text(yaml.safe_dump(_marked(english), allow_unicode=True), encoding="utf-8")
    return written


def _marked(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _marked(each, key) for key, each in value.items()}
    return value if name in ("decimal", "month") else f"xx {value}"
