"""Tests reach this machine alone."""

import contextlib
import socket
import urllib.request
from pathlib import Path

import pytest

from stripe_sandbox.client import SandboxClient
from tests.loopback import OtherNetworkError


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")]
)
def test_another_address_is_refused(family: socket.AddressFamily, host: str) -> None:
    address = (host, 80)
    with socket.socket(family) as ours, pytest.raises(OtherNetworkError, match="this machine"):
        ours.connect(address)
    with socket.socket(family, socket.SOCK_DGRAM) as ours, pytest.raises(OtherNetworkError):
        ours.sendto(b"", address)


def test_another_name_is_not_even_looked_up() -> None:
    with pytest.raises(OtherNetworkError, match=r"example\.org"):
        urllib.request.urlopen("http://example.org/", timeout=1)


def test_this_machine_is_reached(sandbox: SandboxClient, tmp_path: Path) -> None:
    assert sandbox.now()
    with socket.socket(socket.AF_UNIX) as theirs, socket.socket(socket.AF_UNIX) as ours:
        theirs.bind(str(tmp_path / "socket"))
        theirs.listen()
        ours.connect(str(tmp_path / "socket"))
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection(("localhost", 9), timeout=1)
