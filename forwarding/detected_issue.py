"""An alert as a FHIR R4 DetectedIssue: one mapping, for what is posted to a server and for what can be read here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from clinical.words import TierWord

Resource = dict[str, Any]

AUTHOR: Final = {"display": "IVIgilant"}
SEVERITIES: Final[Mapping[TierWord, str]] = {
    "contraindication": "high",
    "high": "high",
    "moderate": "moderate",
    "information": "low",
}
# The kind of issue in the words of the standard: a therapy that a condition of the patient speaks against.
# http://hl7.org/fhir/R4/valueset-detectedissue-category.html
CATEGORY: Final = ("http://terminology.hl7.org/CodeSystem/v3-ActCode", "COND")


@dataclass(frozen=True, slots=True)
class IssueAct:
    """Something that somebody did about an alert."""

    code: str  # of the line in its record
    text: str
    at: datetime
    codings: Sequence[Resource] = ()  # why, or what was done
    by: Resource | None = None  # a reference


@dataclass(frozen=True, slots=True)
class Issue:
    """What of an alert becomes its DetectedIssue."""

    alert: str
    link: str  # of its page
    sequence: int  # the line of its record up to which it speaks
    tier: TierWord
    tier_text: str
    is_settled: bool
    identified_at: datetime
    detail: str
    acts: Sequence[IssueAct] = ()


def detected_issue(issue: Issue) -> Resource:
    """Return the resource; it names no patient, which whoever may read about one adds."""
    system = system_of(issue.link)
    category = {"system": CATEGORY[0], "code": CATEGORY[1], "display": "Condition Alert"}
    tier = {"coding": [{"system": f"{system}#tier", "code": issue.tier}, category], "text": issue.tier_text}
    return {
        "resourceType": "DetectedIssue",
        "extension": [{"url": f"{system}#sequence", "valueInteger": issue.sequence}],
        "identifier": [{"system": system, "value": issue.alert}],
        "status": status_of(issue.is_settled),
        "code": tier,
        **({"severity": SEVERITIES[issue.tier]} if issue.tier in SEVERITIES else {}),
        "identifiedDateTime": issue.identified_at.isoformat(),
        "author": AUTHOR,
        "detail": issue.detail,
        "reference": issue.link,
        **({"mitigation": [_mitigation(act, system) for act in issue.acts]} if issue.acts else {}),
    }


def status_of(is_settled: bool) -> str:
    """Return the status of the issue: nothing is final that still waits for somebody."""
    return "final" if is_settled else "preliminary"


def system_of(link: str) -> str:
    """Return the system of our numbers: the address of this installation, so that two never share one."""
    return link.rpartition("/")[0]


def _mitigation(act: IssueAct, system: str) -> Resource:
    codings = [{"system": f"{system}#event", "code": act.code}, *act.codings]
    by = {"author": act.by} if act.by else {}
    return {"action": {"coding": codings, "text": act.text}, "date": act.at.isoformat(), **by}
