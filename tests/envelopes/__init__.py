"""Orders for IVIg in every kind of envelope, and what only looks like one in the same envelopes."""
