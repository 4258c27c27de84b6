"""The clinical vocabulary as values, shared by every package. Imports no other package of ours."""
