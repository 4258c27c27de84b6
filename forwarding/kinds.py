"""The table of kinds of destination allowed under `destinations:` in the site file."""

from typing import Annotated

from pydantic import Field

from forwarding.file_drop import FileDropForm
from forwarding.mail import MailForm
from forwarding.webhook import WebhookForm

AnyDestination = Annotated[MailForm | WebhookForm | FileDropForm, Field(discriminator="kind")]
