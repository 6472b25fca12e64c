"""Local servers that speak as the vendors do; they import nothing of Cairn's and hold only what they are given."""
