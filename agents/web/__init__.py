"""HTTP: hooks, inbox, unsubscribe, administration, probes."""
