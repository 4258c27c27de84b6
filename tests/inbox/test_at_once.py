"""Two pharmacists who press at the same moment: one is first, and nothing is done twice."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import sqlalchemy as sa

from store import tables
from tests.inbox.sites import Client, Site

EVERYBODY = 6


def test_of_many_who_press_at_once_one_settles_the_alert_and_the_others_hear_who(client: Client, site: Site) -> None:
    alert = site.with_case()
    tokens = [site.token(name=f"pharmacist {number}") for number in range(EVERYBODY)]
    together = Barrier(EVERYBODY)

    def press(number: int) -> tuple[int, str]:
        together.wait(60)
        act, told = ("acknowledge", {}) if number % 2 else ("override", {"reason": "will_monitor", "note": "Doppler"})
        answer = client.post(f"/api/v1/alerts/{alert}/{act}", json=told, headers=tokens[number])
        return answer.status_code, answer.json().get("settled", {}).get("by", "")

    with ThreadPoolExecutor(EVERYBODY) as pharmacists:
        answers = list(pharmacists.map(press, range(EVERYBODY)))

    with site.engine.connect() as connection:
        events = connection.execute(
            sa.select(tables.alert_event.c.kind, tables.alert_event.c.actor).order_by(tables.alert_event.c.id)
        ).all()
        decisions = connection.scalar(sa.select(sa.func.count()).select_from(tables.decision))
    settling = [event for event in events if event.kind in ("acknowledged", "overridden")]
    refused = [by for status, by in answers if status == 409]
    assert len(settling) + len(refused) == EVERYBODY
    assert [event.kind for event in settling] in (["overridden"], ["acknowledged", "overridden"])
    assert decisions == 1
    assert set(refused) <= {event.actor for event in settling}
