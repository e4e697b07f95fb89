"""urllib.request: each request on a connection that it asks to close.

Run with the proxy's address; prints statuses and bodies as JSON.
"""

import json
import sys
from urllib.request import Request, urlopen

URL = sys.argv[1]
KIND = {"Content-Type": "application/json"}

answers = []
for request in (
    Request(f"{URL}/echo?a=1", data=b'{"x": 1}', headers=KIND),
    Request(f"{URL}/echo", data=iter([b"one ", b"two"]), headers=KIND, method="POST"),
    Request(f"{URL}/echo", method="HEAD"),
    Request(f"{URL}/headless"),
):
    with urlopen(request) as answer:
        answers.append([answer.status, answer.read().decode()])
print(json.dumps(answers))
