"""The FHIR API in tests."""
