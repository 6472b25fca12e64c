"""Planning: from a milestone to the celebration that answers it, with the reason of each decision."""
