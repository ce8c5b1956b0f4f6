"""Releases and the keys that sign them, on this control plane."""
