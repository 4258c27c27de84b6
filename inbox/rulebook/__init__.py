"""The rules, for people to read."""
