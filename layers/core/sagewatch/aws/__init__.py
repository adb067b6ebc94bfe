"""The only modules that call AWS. No decisions: they read facts, write requests, turn AWS's errors into ours."""
