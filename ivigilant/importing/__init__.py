"""The first load of a hospital's history from files."""
