"""What runs on the node that holds a community: one-shot jobs, and nothing of the control plane."""
