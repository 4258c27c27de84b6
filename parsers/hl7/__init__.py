"""HL7 v2 itself: segments and fields, codes, times, character sets, headers."""
