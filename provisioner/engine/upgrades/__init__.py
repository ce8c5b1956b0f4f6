"""Another version in the place of the one that runs, and how releases come to everybody."""
