"""The contracts: JSON Schemas of everything that travels, generated from the shapes."""
