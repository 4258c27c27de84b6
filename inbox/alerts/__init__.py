"""Alerts: the list, one alert, what a pharmacist does with it."""
