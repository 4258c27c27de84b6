"""One patient's history into one answer per IVIg order. No database, no clock."""
