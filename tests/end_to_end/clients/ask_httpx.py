"""httpx: JSON and a body from a generator, on one connection.

Run with the proxy's address; prints statuses and bodies as JSON.
"""

import json
import sys

import httpx  # type: ignore[import-not-found]  # lives in the clients' environment

URL = sys.argv[1]

with httpx.Client() as client:
    answers = [
        client.post(f"{URL}/echo?a=1", json={"x": 1}),
        client.post(f"{URL}/echo", content=iter([b"one ", b"two"])),
        client.post(f"{URL}/echo", content=b"bare"),
        client.get(f"{URL}/zipped"),
        client.head(f"{URL}/echo"),
        client.get(f"{URL}/headless"),
    ]
print(json.dumps([[answer.status_code, answer.text] for answer in answers]))
