"""The patient's chart: demographics, diagnoses, results, procedures, allergies."""
