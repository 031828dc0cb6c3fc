"""The contract between the parts: topics, records, the call and its merge, settings, DDL."""
