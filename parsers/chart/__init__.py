"""The patient's chart: who she is, diagnoses, results, procedures, allergies."""
