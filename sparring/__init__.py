"""The application: command line, run files, supervisor, recorder, demo."""

__version__ = "0.1.0"
