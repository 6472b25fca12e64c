"""The preview: every word file as clients would read it, in pages for the eye."""
