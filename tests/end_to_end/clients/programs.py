"""Where clients and servers that are not Python packages of ours are; a test is skipped where one is missing.

Knows names and the environment variable that points to the Python of `requirements/clients.txt`; refuses to
know what is done with them.
"""

import os
import shutil

import pytest

BESIDE_PATH = ("/usr/sbin", "/usr/local/sbin")


def program(name: str) -> str:
    """Its path."""
    beside = (shutil.which(f"{folder}/{name}") for folder in BESIDE_PATH)
    found = shutil.which(name) or next(filter(None, beside), None)
    if found is None:
        pytest.skip(f"{name} is missing here: nothing was checked")
    return found


def clients_python() -> str:
    """The Python that has the clients, uvicorn and gunicorn."""
    found = os.environ.get("SPARRING_CLIENTS")
    if not found:
        pytest.skip("needs the environment of requirements/clients.txt: set SPARRING_CLIENTS to its python")
    return found
