"""FHIR R4: reading what was concluded, from what, what was done about it, and who looked."""
