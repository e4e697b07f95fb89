"""One file a verb of the command line; `sparring/main.py` has the table."""
