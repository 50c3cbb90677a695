"""The fleet in columns: facts, compliance, delivery status, freshness."""
