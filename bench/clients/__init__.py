"""HL7 clients and servers from other projects: sending to our listener, and measured beside it."""
