"""What a proxy can be told, and how it says no."""

import pytest

from recording.documents import load_text
from recording.errors import InputError
from shadow_proxy.config import ProxyConfig, host_and_port

GOOD = """
targets:
  - {name: baseline, role: baseline, url: "http://127.0.0.1:9001"}
  - {name: candidate, role: candidate, url: "http://model.example"}
"""


def test_the_least_configuration_has_a_primary_and_every_default() -> None:
    config = load_text(GOOD, ProxyConfig, source="proxy.yaml")
    assert config.baseline.name == "baseline"
    assert config.mirror == 1.0
    assert config.targets[1].port == 80


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD + "mirorr: 0.5\n", "did you mean 'mirror'"),
        (GOOD + "mirror: 1.5\n", "mirror"),
        (GOOD + "limits: {copy_bites: 1}\n", "copy_bytes"),
        (GOOD.replace("role: candidate", "role: baseline"), "exactly one"),
        (GOOD.replace("role: candidate", "role: client"), "client"),
        (GOOD.replace("name: candidate", "name: baseline"), "same name"),
        (GOOD.replace("http://model.example", "http://model.example/v1"), "http://HOST:PORT"),
        (GOOD + "listen: here\n", "HOST:PORT"),
    ],
)
def test_what_cannot_work_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_text(text, ProxyConfig, source="proxy.yaml")


@pytest.mark.parametrize("address", ["", "host", "host:", ":80", "host:99999", "host:-1"])
def test_an_address_is_host_and_port(address: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        host_and_port(address)
