"""The verifier: pure functions from signed evidence and a reference to a Verdict."""
