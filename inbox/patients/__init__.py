"""A patient: the picture of what was given and what happened, and the page that holds all of it."""
