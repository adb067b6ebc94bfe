"""SNS topics: readable text with attributes to filter by."""
