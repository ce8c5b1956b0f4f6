"""A community goes to another control plane: export, import, the way on."""
