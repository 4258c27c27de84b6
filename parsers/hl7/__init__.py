"""The HL7 v2 syntax: segments and fields, codes, times, character sets, headers."""
