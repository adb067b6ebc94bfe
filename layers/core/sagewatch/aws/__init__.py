"""The only modules that call AWS. No decisions here: they read facts, write requests, and turn AWS's errors into ours."""
