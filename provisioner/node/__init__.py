"""What runs in one-shot jobs beside a community's data, on the host that has it."""
