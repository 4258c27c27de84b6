"""The table of kinds of destination allowed under `destinations:` in the site file."""

from typing import Annotated

from pydantic import Field

from forwarding.apprise import AppriseForm
from forwarding.fhir import FhirForm
from forwarding.file_drop import FileDropForm
from forwarding.hl7 import Hl7Form
from forwarding.mail import MailForm
from forwarding.webhook import WebhookForm

AnyDestination = Annotated[
    MailForm | WebhookForm | FileDropForm | Hl7Form | FhirForm | AppriseForm, Field(discriminator="kind")
]
