"""PagerDuty's Events API v2."""
