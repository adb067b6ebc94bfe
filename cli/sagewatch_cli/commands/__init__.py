"""One module per command: its options, and how its answer is printed. What it says is decided in `account`."""
