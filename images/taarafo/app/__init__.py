"""The community app: one process, one data folder, pages that work without JavaScript."""
