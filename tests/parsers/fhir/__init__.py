"""Tests of the reader of FHIR resources."""
