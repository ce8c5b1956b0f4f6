"""Backups, drills, restores, and the words that open them."""
