"""FHIR R4 resources read into the events that HL7 messages give: one module for each kind of resource."""
