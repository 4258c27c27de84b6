"""Why a pharmacist lets an order pass although the alert stands."""

OTHER = "other"

REASONS = (
    "benefit_outweighs_risk",
    "adequately_anticoagulated",
    "order_adjusted",
    "discussed_with_prescriber",
    "will_monitor",
    "tolerated_before",
    "history_incorrect",
    OTHER,
)
