"""The ledger: what people and money depend on, in Postgres."""
