"""Notices: whether they arrive, and the chain of one alert."""
