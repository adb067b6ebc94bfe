"""The only modules that deliver. Each turns answers into Retry or Undeliverable, and never says a secret."""
