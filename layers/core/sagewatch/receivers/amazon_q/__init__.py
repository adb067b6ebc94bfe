"""Amazon Q Developer in chat applications, which brings a topic's messages to Slack or Teams."""
