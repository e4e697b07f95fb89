"""urllib3: JSON and a chunked body, on one connection.

Run with the proxy's address; prints statuses and bodies as JSON.
"""

import json
import sys

import urllib3

URL = sys.argv[1]

pool = urllib3.PoolManager()
answers = [
    pool.request("POST", f"{URL}/echo?a=1", json={"x": 1}),
    pool.request("POST", f"{URL}/echo", body=iter([b"one ", b"two"]), chunked=True),
    pool.request("POST", f"{URL}/echo", body=b"bare"),
    pool.request("GET", f"{URL}/zipped", headers={"Accept-Encoding": "gzip"}),
    pool.request("HEAD", f"{URL}/echo"),
    pool.request("GET", f"{URL}/headless"),
]
print(json.dumps([[answer.status, answer.data.decode()] for answer in answers]))
