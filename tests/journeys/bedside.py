"""One patient of a journey: what is told of her, what is ordered, and what then stands in the inbox."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from synthetic.chart import Chart
from synthetic.people import invent
from synthetic.prescriptions import Prescription
from synthetic.wire import post
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import Pharmacist

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass
class Bedside:
    """A patient, her ward, and the pharmacist who looks at the inbox."""

    hospital: Hospital
    pharmacist: Pharmacist
    sent: int = 0
    order: str = ""
    chart: Chart = field(init=False)

    @property
    def now(self) -> datetime:
        """The moment the hospital is at."""
        return self.hospital.clock()

    def patient(self, sex: str, age: int | None) -> Chart:
        """Somebody new; what is told of her goes on her chart."""
        self.chart = Chart(invent(700, sex, age, self.now), ward="D3INT")
        self.chart.admitted(self.now - 4 * HOUR)
        return self.chart

    def orders(self, order: Prescription, *, weight: str = "") -> None:
        """Send the chart, and then the order."""
        self.order = order.number
        self.chart.ordered(order, "RDE", weight=weight)
        self.sends()

    def sends(self) -> None:
        """Send what is on the chart and was not sent yet."""
        drafts, self.chart.drafts = self.chart.drafts, []
        messages = []
        for draft in drafts:
            self.sent += 1
            messages.append(post(draft, f"B{self.sent:04d}", self.now - HOUR + timedelta(seconds=self.sent)))
        self.hospital.sends(*messages)

    def inbox(self) -> list[tuple[str, str]]:
        """Tier and priority of what is open for the order."""
        alerts = self.pharmacist.alerts(self.order)
        return [
            (each["tier"], each["priority"]) for each in alerts if (each["status"], each["stream"]) == ("open", "order")
        ]

    def rules(self) -> set[str]:
        """The rules of the order's latest answer."""
        return {finding["rule"] for finding in self.pharmacist.answers(self.order)[0]["findings"]}

    def text(self) -> str:
        """What the alert says, in English."""
        return str(self.pharmacist.alerts(self.order)[0]["text"]["en"])
