"""Actions: the only code that touches the world."""
