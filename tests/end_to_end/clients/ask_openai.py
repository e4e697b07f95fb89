"""openai's client: a completion, a stream read to its end, and one that it closes after the first event.

Run with the proxy's address. Prints a line a step and reads a line before it goes on, so that the test
decides what happens before what.
"""

import sys

import openai  # type: ignore[import-not-found]  # lives in the clients' environment

MESSAGES = [{"role": "user", "content": "hi"}]


def say(word: str) -> None:
    """A step is done; wait to be told to go on."""
    print(word, flush=True)
    sys.stdin.readline()


client = openai.OpenAI(base_url=f"{sys.argv[1]}/v1", api_key="for-the-test", max_retries=0)
whole = client.chat.completions.create(model="m", messages=MESSAGES)
say(whole.choices[0].message.content)
stream = client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
for event in stream:
    say(event.choices[0].delta.content)
stream = client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
say(next(iter(stream)).choices[0].delta.content)
stream.close()
say("closed")
