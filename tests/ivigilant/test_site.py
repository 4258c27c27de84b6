"""The site file says what a hospital is; a fault in it is named with its line."""

from pathlib import Path

import pytest

from forwarding.mail import MailForm
from ivigilant.errors import UnusableSite
from ivigilant.settings import Settings
from ivigilant.site import SiteFile, load_site
from ivigilant.site_choices import destinations

WHOLE = """\
name: Sint Voorbeeld
zone: Europe/Brussels
languages: [nl]
unknown_sources: park
authority: ZIS
mrn_authorities: [ZIS, OUD]
code_systems: {ZKH-PRK: PRK}
feeds:
  - name: epd
    address: 10.1.0.0/16
    sending_application: EPD
    ack_mode: original
    processing_ids: [P]
    placer_authoritative: false
  - name: lab
    port: 2576
    zone: UTC
codes:
  - {system: ZKH, code: IVIG10, value_set: ivig}
destinations:
  - name: apotheek
    kind: mail
    recipients: [apotheek@voorbeeld.nl]
    min_tier: high
"""


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    site = load_site(a_file(tmp_path, WHOLE))

    assert (site.name, site.zone, site.unknown_sources) == ("Sint Voorbeeld", "Europe/Brussels", "park")
    assert [feed.name for feed in site.feeds if not feed.placer_authoritative] == ["epd"]
    assert isinstance(site.destinations[0], MailForm)


def test_without_a_file_and_with_an_empty_one_the_defaults_hold(tmp_path: Path) -> None:
    assert load_site(None) == load_site(a_file(tmp_path, "# nothing yet\n")) == SiteFile()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("zone: UTC", "zone: Mars/Base", "17: feeds.2.zone: "),
        ("port: 2576", "prot: 2576", "16: feeds.2.prot: "),
        ("    port: 2576\n", "", "15: feeds.2: "),
        ("ack_mode: original", "ack_mode: polite", "12: feeds.1.ack_mode: "),
        ("ack_mode: original", "accept_unframed: sometimes", "12: feeds.1.accept_unframed: "),
        ("processing_ids: [P]", "app_ack_route: ehr", "13: feeds.1.app_ack_route: "),
        ("processing_ids: [P]", "app_ack_route: 'ehr:0'", "13: feeds.1.app_ack_route: "),
        ("processing_ids: [P]", "app_ack_route: 'http://ehr:2575'", "13: feeds.1.app_ack_route: "),
        ("processing_ids: [P]", "app_ack_route: 'ehr:2575'", "9: feeds.1: "),  # ack_mode original
        ("recipients: [apotheek@voorbeeld.nl]", "recipients: []", "23: destinations.1.mail.recipients: "),
        ("kind: mail", "kind: pigeon", "21: destinations.1: "),
        ("name: lab", "name: epd", "15: feeds.2.name: two feeds are called epd"),
        ("unknown_sources: park", "zone: UTC", "4: zone is given twice"),
        ("languages: [nl]", "languages: [nl", "4: "),
        ("unknown_sources: park", "due: {contraindication_min: 0}", "4: due.contraindication_min: "),
        ("unknown_sources: park", "due:\n  high_h: 8\n  moderate: 9", "6: due.moderate: "),
        ("unknown_sources: park", "canary: {every_minutes: 0}", "4: canary.every_minutes: "),
        ("unknown_sources: park", "canary:\n  enabled: true\n  to: listener", "6: canary.to: "),
        ("unknown_sources: park", "canary: {every_minutes: 1}", "4: canary: "),  # shorter than its steps may take
        ("unknown_sources: park", "canary: {key_file: key.pem}", "4: canary: "),
        ("name: lab", "name: ivigilant canary", "15: feeds.2: "),
        ("zone: UTC", "silence_after_s: 0", "17: feeds.2.silence_after_s"),
        ("zone: UTC", "silence_after_s: always", "17: feeds.2.silence_after_s"),
        ("zone: UTC", "watch_gaps: perhaps", "17: feeds.2.watch_gaps: "),
        ("unknown_sources: park", "silence:\n  floor_min: 15\n  ceiling_h: 200", "6: silence.ceiling_h: "),
        ("unknown_sources: park", "silence: {floor_min: 90, ceiling_h: 1}", "4: silence: "),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = a_file(tmp_path, WHOLE.replace(old, new, 1))

    with pytest.raises(UnusableSite) as fault:
        load_site(path)

    assert f"{path}:{message}" in str(fault.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sending_application: EPD", "sending_applicatoin: EPD", "did you mean sending_application?"),
        ("unknown_sources: park", "unknown_surces: park", "did you mean unknown_sources?"),
        ("address: 10.1.0.0/16", "address: 10.1.0.0/99", "feeds.1.address: should be an address or a network"),
        ("zone: UTC", "zone: Mars/Base", "feeds.2.zone: Mars/Base  is not a time zone"),
        ("port: 2576", "port: seven", "feeds.2.port: should be a whole number"),
        ("{ZKH-PRK: PRK}", "PRK", "code_systems: should hold names and values"),
    ],
)
def test_a_fault_says_what_would_be_right(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = a_file(tmp_path, WHOLE.replace(old, new, 1))

    with pytest.raises(UnusableSite) as fault:
        load_site(path)

    assert message in str(fault.value)
    assert len(str(fault.value).splitlines()) == 1


@pytest.mark.parametrize("saved", ["\ufeffname: Sint\nzone: Mars\n", "name: Sint\r\nzone: Mars\r\n"])
def test_a_file_that_windows_saved_is_read_and_its_fault_named_with_its_line(tmp_path: Path, saved: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_bytes(saved.encode())

    with pytest.raises(UnusableSite, match=r"site\.yaml:2: zone: "):
        load_site(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name: Sint\nfeeds:\n\t- name: epd\n", "3: holds a tab where blanks belong; indent with blanks"),
        ("name: A\nauthority: Zuïd\n".encode("latin-1"), "2: holds a byte that is not UTF-8; save the file as UTF-8"),
        ("name: A\n".encode("utf-16"), "1: holds a byte that is not UTF-8; save the file as UTF-8"),
        (b"name: A\nauthority: Z\x00\n", "2: holds a character that cannot be printed"),
        (b"name: A\n? [b]\n: c\n", "2: a list or a group cannot be a name"),
        (b"name: A\n~: c\n", "2: ~ is read as a value; put the name between quotation marks"),
        (
            b"name: A\nproblem_statuses: {no: active}\n",
            "2: no is read as a value; put the name between quotation marks",
        ),
        (b"name: A\n---\nname: B\n", "2: begins a second document (---); a site file is one"),
        (b"name: " + b"[" * 3000, "1: holds parts within parts without end"),
        (b"name: &a [*a]\n", "1: holds parts within parts without end"),
        (b"destinations:\n  - {name: a, kind: pigeon}\n", "2: destinations.1: kind: should be one of 'mail'"),
        (b"destinations:\n  - {name: a}\n", "2: destinations.1: kind is needed"),
        (
            b"feeds:\n  - {name: a, port: 2576}\n  - {name: b, port: 2576}\n",
            "3: feeds.2: b is recognised by the same as a",
        ),
    ],
)
def test_a_file_that_yaml_cannot_take_is_named_with_its_line_in_our_words(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "site.yaml"
    path.write_bytes(content)

    with pytest.raises(UnusableSite) as fault:
        load_site(path)

    assert str(fault.value).startswith(f"{path}:{message}")
    assert "\n" not in str(fault.value)


def test_a_destination_that_cannot_be_opened_is_named_with_its_line(tmp_path: Path) -> None:
    hook = "{kind: webhook, name: pager, url: 'https://pager.example/hook', secret_file: /no/secret}"
    path = a_file(tmp_path, f"name: A\ndestinations:\n  - {hook}\n")

    with pytest.raises(UnusableSite, match=r"site.*:3: pager: secret_file /no/secret cannot be read"):
        destinations(load_site(path), Settings(site_file=path))


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    path = a_file(tmp_path, "zone: Mars/Base\nname: 3\nlanguages: [nl, fr]\n")

    with pytest.raises(UnusableSite) as fault:
        load_site(path)

    assert sorted(line.split(":")[1] for line in str(fault.value).splitlines()) == ["1", "2", "3"]


def a_file(folder: Path, text: str) -> Path:
    path = folder / "site.yaml"
    path.write_text(text)
    return path


TELLING = """\
destinations:
  - {name: pager, kind: file_drop, folder: /tmp/pager}
telling:
  people:
    jansen: pager
  rotas:
    night:
      people: [jansen]
      from: 2026-01-05
      hand_over: 08:00
  chains:
    - name: at-night
      hours: {from: 22:00, until: 07:00}
      steps:
        - rota: night
          repeat_minutes: 15
        - destination: pager
          after_minutes: 45
  fallback: pager
"""


def test_a_policy_of_telling_is_read(tmp_path: Path) -> None:
    telling = load_site(a_file(tmp_path, TELLING)).telling

    assert [step.after_minutes for step in telling.chains[0].steps] == [0, 45]
    assert (str(telling.chains[0].hours.begins), telling.fallback) == ("22:00:00", "pager")  # type: ignore[union-attr]  # it has hours: TELLING


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "telling:",
            "  - {kind: file_drop, name: pager, folder: /srv}\ntelling:",
            "3: destinations.2.name: two destinations are called pager",
        ),
        ("people: [jansen]", "people: []", "8: telling.rotas.night.people: should have one entry at least"),
        ("    jansen: pager", "    jansen: piper", "5: telling.people.jansen: there is no destination piper"),
        ("people: [jansen]", "people: [jansen, vries]", "8: telling.rotas.night.people.2: there is no person vries"),
        ("- rota: night", "- rota: day", "15: telling.chains.1.steps.1.rota: there is no rota day"),
        (
            "destination: pager",
            "destination: mail",
            "17: telling.chains.1.steps.2.destination: there is no destination",
        ),
        ("fallback: pager", "fallback: mail", "19: telling.fallback: there is no destination mail"),
        ("repeat_minutes: 15", "repeat_minutes: often", "16: telling.chains.1.steps.1.repeat_minutes: "),
        ("hand_over: 08:00", "hand_over: eight", "10: telling.rotas.night.hand_over: should be a time of day"),
        ("after_minutes: 45", "after_minutes: 0", "12: telling.chains.1: each step needs more after_minutes"),
        ("- rota: night", "- rota: night\n          person: jansen", "15: telling.chains.1.steps.1: names one of "),
    ],
)
def test_a_fault_in_the_policy_of_telling_is_named_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = a_file(tmp_path, TELLING.replace(old, new, 1))

    with pytest.raises(UnusableSite) as caught:
        load_site(path)

    assert str(caught.value).startswith(f"{path}:{message}")
