"""What runs, beside what was published."""
