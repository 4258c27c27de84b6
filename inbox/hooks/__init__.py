"""CDS Hooks 2.0: what the prescriber sees of an order before it is placed."""
