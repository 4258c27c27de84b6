"""The pages of merges, and the API: who is one with whom, and what a pharmacist says to the contrary."""

import pytest

from tests.inbox.builders import the_log
from tests.inbox.sites import Client, Site, form, sign_in
from tests.journeys.hospital import Clock, Hospital
from tests.journeys.stories import Diagnosed, Happening, Merged, Ordered, Problem, Seen, messages
from worker.tasks import process_messages

CLOT = Problem(who="2", onset=-24 * 400)
CIRCLE = (Merged(at=2), Merged(who="2", retired=("1",), at=3))


@pytest.fixture
def hospital(site: Site) -> Hospital:
    """Who works behind the inbox."""
    return Hospital(site.engine, site.knowledge, clock=Clock(site.now))


def lived(hospital: Hospital, *story: Happening) -> str:
    """Send a story with a clot under number 2, IVIg under 1 and this; give the id of the two."""
    hospital.sends_one_by_one(messages([Seen(), CLOT, Ordered(at=1), *story]))
    found = {row.value: row.id for row in hospital.rows("SELECT id, value FROM patient")}
    return f"{min(found['1'], found['2'])}-{max(found['1'], found['2'])}"


def works(site: Site, hospital: Hospital) -> None:
    """Process what the inbox put on the queue."""
    process_messages(hospital.worker, site.requeued)
    site.requeued.clear()


def seen(shown: str) -> str:
    """What the form of an open page says that was seen."""
    return shown.split('name="seen" value="')[1].split('"', maxsplit=1)[0]


def test_a_pharmacist_parts_two_and_joins_them_again(page: Client, site: Site, hospital: Hospital) -> None:
    two = lived(hospital, Merged(at=2))
    shown = page.get(f"/merges/{two}").text

    parted = page.post(f"/merges/{two}/unmerge", data=form(page, reason="two brothers", seen=seen(shown)))
    works(site, hospital)
    apart = hospital.answers()["100"]
    shown = page.get(f"/merges/{two}").text
    survivor = shown.split('name="survivor" value="')[1].split('"', maxsplit=1)[0]
    joined = page.post(
        f"/merges/{two}/merge", data=form(page, reason="one after all", seen=seen(shown), survivor=survivor)
    )
    works(site, hospital)

    assert "Recorded: they are two patients." in parted.text
    assert "Recorded: they are one patient." in joined.text
    assert (apart, hospital.answers()["100"]) == ("moderate", "contraindication")
    acts = [(actor, action) for actor, action, _, what in the_log(site.engine) if "brothers" in what]
    assert acts == [("els", "unmerge")] * 2  # both patients


def test_two_numbers_that_one_message_gave_one_patient_are_shown_and_can_be_parted(
    page: Client, site: Site, hospital: Hospital
) -> None:
    both, again = (
        each.replace(b"||1^^^ZKHA^PI", b"||1^^^ZKHA^PI~2^^^ZKHA^PI") for each in messages([Seen(at=2), Seen(at=3)])
    )
    two = lived(hospital)
    hospital.sends(both)
    one = hospital.answers()["100"]
    pages = [page.get(path).text for path in ("/merges", f"/merges/{two}", "/alerts/1")]
    shown = ["given to one patient in one message" in each for each in pages]

    page.post(f"/merges/{two}/unmerge", data=form(page, reason="mother and child", seen=seen(pages[1])))
    works(site, hospital)
    apart = hospital.answers()["100"]
    hospital.sends(again)

    assert shown == [True, True, True]
    assert (one, apart, hospital.answers()["100"]) == ("contraindication", "moderate", "moderate")


def test_the_alert_leads_to_its_merges_and_tells_who_parted_them_and_why(
    page: Client, site: Site, hospital: Hospital
) -> None:
    two = lived(hospital, Merged(at=2))
    alert = hospital.alerts()[0]["id"]
    before = page.get(f"/alerts/{alert}").text
    page.post(f"/merges/{two}/unmerge", data=form(page, reason="two brothers"))
    works(site, hospital)

    after = page.get(f"/alerts/{alert}").text

    assert f'href="/merges/{two}"' in before
    assert "Un-merged" in after
    assert "two brothers" in after


def test_merges_that_contradict_each_other_come_first(page: Client, hospital: Hospital) -> None:
    lived(hospital, *CIRCLE, Merged(who="3", retired=("4",), at=5))

    shown = page.get("/merges").text

    assert "1 patient to check" in shown
    assert "The merges lead back to where they began." in shown
    assert shown.index("1 patient to check") < shown.index("All merges")
    assert shown.count(">4 <small>ZKHA") == 1  # the other merge is only in the list


def test_without_a_reason_or_with_an_old_page_nothing_is_done(page: Client, site: Site, hospital: Hospital) -> None:
    two = lived(hospital, Merged(at=2))

    bare = page.post(f"/merges/{two}/unmerge", data=form(page, reason=""))
    old = page.post(f"/merges/{two}/unmerge", data=form(page, reason="two brothers", seen="1"))
    nowhere = page.post("/merges/1-9999/unmerge", data=form(page, reason="two brothers"))

    assert bare.status_code == 422
    assert "Write a reason." in bare.text
    assert old.status_code == 409
    assert "These numbers have changed in the meantime." in old.text
    assert "two brothers" in old.text
    assert nowhere.status_code == 404
    assert site.requeued == []


def test_a_reader_reads_and_does_not_act(client: Client, site: Site, hospital: Hospital) -> None:
    two = lived(hospital, Merged(at=2))
    site.add_user("lotte", role="viewer")
    sign_in(client, "lotte")

    shown = client.get(f"/merges/{two}")
    tried = client.post(f"/merges/{two}/unmerge", data=form(client, reason="two brothers"))
    forged = client.post(f"/merges/{two}/unmerge", data={"reason": "two brothers"})

    assert "To un-merge or merge you need the role of pharmacist." in shown.text
    assert "<textarea" not in shown.text
    assert (tried.status_code, forged.status_code, site.requeued) == (403, 403, [])


@pytest.mark.parametrize("address", ["/merges/7", "/merges/x-y", "/merges/5-4", "/merges/1-99999999999999999999"])
def test_what_is_no_two_is_not_found(page: Client, address: str) -> None:
    assert page.get(address).status_code == 404


def test_the_api_lists_parts_and_joins(client: Client, site: Site, hospital: Hospital) -> None:
    two = lived(hospital, Merged(at=2), Diagnosed(who="3", at=2))
    reads, acts = site.token("viewer"), site.token("pharmacist")

    (merged,) = client.get("/api/v1/merges", headers=reads).json()["items"]
    refused = client.post(f"/api/v1/merges/{two}/unmerge", headers=reads, json={"reason": "two brothers"})
    parting = {"reason": "two brothers", "seen": merged["message_id"]}
    parted = client.post(f"/api/v1/merges/{two}/unmerge", headers=acts, json=parting)
    works(site, hospital)
    (now,) = client.get("/api/v1/merges", headers=reads).json()["items"]
    again = client.post(f"/api/v1/merges/{two}/unmerge", headers=acts, json={"reason": "two brothers"})
    joining = {"reason": "one after all", "survivor": merged["survivor"]}
    joined = client.post(f"/api/v1/merges/{two}/merge", headers=acts, json=joining)
    works(site, hospital)

    assert (merged["id"], merged["state"], merged["unclear"], merged["by_hand"]) == (two, "merged", None, False)
    assert merged["retired"] == {"authority": "ZKHA", "value": "2"}
    assert (refused.status_code, parted.status_code, joined.status_code) == (403, 202, 202)
    assert (now["state"], now["by_hand"], now["path"]) == ("parted", True, "PID[2]-3")
    assert (again.status_code, again.json()["type"]) == (409, "urn:ivigilant:problem:merge-changed")
    assert hospital.answers()["100"] == "contraindication"


def test_the_api_gives_only_what_somebody_must_look_into(client: Client, site: Site, hospital: Hospital) -> None:
    two = lived(hospital, *CIRCLE, Merged(who="3", retired=("4",), at=5))
    reads = site.token("viewer")

    unclear = client.get("/api/v1/merges?unclear=true", headers=reads).json()

    assert [(each["id"], each["unclear"]) for each in unclear["items"]] == [(two, "circle")]
    assert unclear["next"] is None


def test_the_api_goes_on_where_a_page_ended(client: Client, site: Site, hospital: Hospital) -> None:
    story = [Merged(who="90", retired=(str(number),), at=number) for number in range(10, 16)]
    hospital.sends(*messages(story))
    reads = site.token("viewer")

    values, cursor = [], ""
    for _ in range(4):
        told = client.get(f"/api/v1/merges?limit=2{cursor}", headers=reads).json()
        values += [each["retired"]["value"] for each in told["items"]]
        cursor = f"&cursor={told['next']}"
        if told["next"] is None:
            break

    assert values == ["15", "14", "13", "12", "11", "10"]
