"""The worked example played as real input against the whole system."""
