"""Sockets of every kind, and what is in the way of one."""

import os
import socket
from pathlib import Path

import pytest

from recording.errors import InputError
from shadow_proxy.config import check_listen
from shadow_proxy.listening import address_of, forget, open_listeners


def accepts(address: str) -> bool:
    if address.startswith("unix:"):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(address.removeprefix("unix:"))
            return True
    host, _, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port))):
        return True


@pytest.mark.parametrize("count", [1, 3])
def test_port_0_is_one_port_for_all_workers(count: int) -> None:
    listeners = open_listeners("127.0.0.1:0", count=count)
    assert len({address_of(one) for one in listeners}) == 1
    assert len(listeners) == count
    assert accepts(address_of(listeners[0]))
    for one in listeners:
        one.close()


def test_a_port_in_use_is_an_error_and_not_shared_with_a_stranger() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen on 127.0.0.1:{port}"):
            open_listeners(f"127.0.0.1:{port}", count=2)


def test_a_socket_of_this_machine_is_shared_by_all_workers(tmp_path: Path) -> None:
    address = f"unix:{tmp_path / 'p.sock'}"
    listeners = open_listeners(address, count=2)
    assert [address_of(one) for one in listeners] == [address] * 2
    assert accepts(address)
    with pytest.raises(InputError, match="cannot listen"):
        open_listeners(address, count=1)
    for one in listeners:
        one.close()


def test_a_socket_left_behind_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "p.sock"
    for one in open_listeners(f"unix:{path}", count=1):
        one.close()
    assert path.exists()
    (again,) = open_listeners(f"unix:{path}", count=1)
    assert accepts(f"unix:{path}")
    again.close()
    forget(f"unix:{path}")
    assert not path.exists()
    path.write_text("precious")
    with pytest.raises(InputError, match="cannot listen"):
        open_listeners(f"unix:{path}", count=1)
    assert path.read_text() == "precious"


def test_a_socket_that_was_handed_over_is_used(tmp_path: Path) -> None:
    del tmp_path
    with socket.create_server(("127.0.0.1", 0)) as handed:
        listeners = open_listeners(f"fd:{handed.fileno()}", count=2)
        assert address_of(listeners[0]) == address_of(handed)
        for one in listeners:
            one.close()
        assert accepts(address_of(handed))


def test_a_number_that_is_no_socket_is_an_error() -> None:
    reading, writing = os.pipe()
    with pytest.raises(InputError, match="cannot listen on fd:"):
        open_listeners(f"fd:{reading}", count=1)
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize("address", ["unix:relative", "fd:x", "fd:", "8080", "host", ""])
def test_an_address_has_one_of_three_forms(address: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT, unix:/PATH or fd:N"):
        check_listen(address)
