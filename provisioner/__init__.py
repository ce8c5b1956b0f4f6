"""The control plane of Taarafo: it plans, creates, checks and removes communities."""
