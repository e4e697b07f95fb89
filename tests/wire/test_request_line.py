"""The request line and the authority: every form of a target, and what Host must look like."""

import pytest

from wire.errors import WireError
from wire.request_line import (
    MAX_HOST_BYTES,
    MAX_KNOWN_HOSTS,
    MAX_KNOWN_LINES,
    check_host,
    origin_form,
    start_line,
)


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        (b"http://a/p?q", b"a", b"/p?q"),
        (b"https://a/p", b"a", b"/p"),
        (b"HTTPS://A.Example/p", b"a.example", b"/p"),
        (b"http://a:80/p", b"a", b"/p"),
        (b"http://a/p", b"a:80", b"/p"),
        (b"https://a:443/p", b"a", b"/p"),
        (b"https://a/p", b"a:443", b"/p"),
        (b"http://a:/p", b"a", b"/p"),
        (b"http://[::1]:80/p", b"[::1]", b"/p"),
        (b"http://a", b"a", b"/"),
        (b"http://a?q=1", b"a", b"/?q=1"),
        (b"http://a//b/../c", b"a", b"//b/../c"),
        (b"/p://a", b"a", b"/p://a"),
    ],
)
def test_an_absolute_target_leaves_its_path_if_host_names_the_same_authority(
    target: bytes, host: bytes, path: bytes
) -> None:
    assert start_line(b"GET %b HTTP/1.1" % target)[1] == target
    assert origin_form(target, host=host, method=b"GET") == path


@pytest.mark.parametrize(
    ("target", "host"),
    [
        (b"http://b/p", b"a"),
        (b"http://a:8080/p", b"a"),
        (b"http://a:443/p", b"a"),
        (b"https://a:80/p", b"a"),
        (b"http://a/p", b"a:443"),
        (b"http://a/p", None),
        (b"http://a80/p", b"a"),
    ],
)
def test_another_authority_than_hosts_is_refused(target: bytes, host: bytes | None) -> None:
    with pytest.raises(WireError, match="another authority") as caught:
        origin_form(target, host=host, method=b"GET")
    assert caught.value.status == 400


@pytest.mark.parametrize("authority", [b"u@a", b"a:80:", b":80", b"a:x", b"[::1", b"a b", b"a\x00"])
def test_an_authority_that_is_not_one_host_and_port_is_refused(authority: bytes) -> None:
    for host in (authority, b"a", b""):
        with pytest.raises(WireError, match="not one host"):
            origin_form(b"http://%b/p" % authority, host=host, method=b"GET")


@pytest.mark.parametrize(
    "target", [b"ftp://a/p", b"http:///p", b"http://", b"http:/p", b"//a", b"a:80", b"*"]
)
def test_what_is_neither_path_nor_an_http_address_is_no_target(target: bytes) -> None:
    if target.startswith(b"/"):
        assert start_line(b"GET %b HTTP/1.1" % target)[1] == target
    else:
        with pytest.raises(WireError, match="not a path"):
            start_line(b"GET %b HTTP/1.1" % target)


@pytest.mark.parametrize(
    ("target", "asked"),
    [
        (b"*", b"*"),
        (b"http://a", b"*"),
        (b"https://a:443", b"*"),
        (b"http://a/", b"/"),
        (b"http://a?q", b"/?q"),
    ],
)
def test_options_for_an_authority_without_a_path_are_for_the_whole_server(
    target: bytes, asked: bytes
) -> None:
    assert start_line(b"OPTIONS %b HTTP/1.1" % target)[1] == target
    assert origin_form(target, host=b"a", method=b"OPTIONS") == asked


def test_a_line_is_read_the_same_the_second_time() -> None:
    for line in (b"GET /p HTTP/1.1", b"QUERY * HTTP/1.0"):
        try:
            first = start_line(line)
        except WireError as error:
            with pytest.raises(WireError, match=error.reason):
                start_line(line)
        else:
            assert start_line(line) == first


def test_more_lines_and_hosts_than_are_remembered_are_read_all_the_same() -> None:
    for number in range(2 * MAX_KNOWN_LINES):
        assert start_line(b"GET /%d HTTP/1.1" % number) == (b"GET", b"/%d" % number, 1)
    for number in range(2 * MAX_KNOWN_HOSTS):
        check_host(b"host-%d:80" % number, minor=1)
        with pytest.raises(WireError):
            check_host(b"host-%d/" % number, minor=1)


def test_a_host_is_bounded() -> None:
    check_host(b"a" * MAX_HOST_BYTES, minor=1)
    with pytest.raises(WireError):
        check_host(b"a" * (MAX_HOST_BYTES + 1), minor=1)
