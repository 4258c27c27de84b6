"""Patients with several numbers, and what people say of them."""
