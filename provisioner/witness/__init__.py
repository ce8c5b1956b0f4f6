"""The independent witness: cosigns logs that only grow, and looks at communities as a member."""
