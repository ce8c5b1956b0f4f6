"""Publishing and reading releases, on real repositories in a temporary folder."""
