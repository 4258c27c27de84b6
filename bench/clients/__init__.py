"""HL7 clients of others against our listener."""
