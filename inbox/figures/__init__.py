"""What was alerted and what became of it, in figures."""
