"""Orders and administrations of medicines: what, how much, how often, how fast."""
