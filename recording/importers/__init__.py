"""Other formats, read as requests: one file a format, one table of them all (`table.py`)."""
