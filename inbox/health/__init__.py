"""Health, readiness and metrics, for machines."""
