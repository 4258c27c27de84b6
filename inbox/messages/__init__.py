"""Messages as they were received."""
