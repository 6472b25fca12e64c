"""Exactly-once batches on Faust; knows nothing about coaching."""
