"""CDS Hooks in tests."""
