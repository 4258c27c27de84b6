"""What one would write first: hl7apy's server, a Celery task per message, hl7apy to read it, SQLAlchemy to keep it."""
