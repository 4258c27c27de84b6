"""HL7 clients from other projects, sending to our listener."""
