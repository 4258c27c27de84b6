"""A hospital that does not exist: patients, orders and results as HL7 messages, the same for the same seed.

It tells every case report of the assessment this project implements (`cases_*.py`), orders about which there is nothing
to say, look-alikes of IVIg among them (`routine.py`), and ordinary days on the wards (`ward_life.py`). Nobody in it is
real: numbers lie in ranges that are never issued.
"""
