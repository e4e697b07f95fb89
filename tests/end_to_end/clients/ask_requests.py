"""requests: JSON and a body from a generator, on one connection.

Run with the proxy's address; prints statuses and bodies as JSON.
"""

import json
import sys

import requests

URL = sys.argv[1]

with requests.Session() as session:
    answers = [
        session.post(f"{URL}/echo?a=1", json={"x": 1}),
        session.post(f"{URL}/echo", data=iter([b"one ", b"two"])),
        session.post(f"{URL}/echo", data=b"bare"),
        session.get(f"{URL}/zipped"),
        session.head(f"{URL}/echo"),
        session.get(f"{URL}/headless"),
    ]
print(json.dumps([[answer.status_code, answer.text] for answer in answers]))
