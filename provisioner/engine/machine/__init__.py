"""The control plane itself: set up, started, upgraded, looked at."""
