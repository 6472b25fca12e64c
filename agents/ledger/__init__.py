"""The ledger: Postgres, which keeps what people and money depend on."""
