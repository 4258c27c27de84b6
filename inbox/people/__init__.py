"""Who may sign in, with what role, and the record of what they looked at."""
