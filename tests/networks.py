"""Networks of their own for the processes of a test, with cables that can be pulled (Linux).

https://man7.org/linux/man-pages/man8/ip-netns.8.html
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

IP: Final = "/usr/sbin/ip"


@dataclass(frozen=True)
class Network:
    """One machine's network; ``address`` is where it finds this one."""

    name: str
    cable: str
    address: str

    @property
    def enter(self) -> list[str]:
        """What a command begins with that runs on this machine."""
        return [IP, "netns", "exec", self.name]

    def pull(self) -> None:
        """Pull the cable: what is sent arrives nowhere, and nobody says so."""
        _ip("link", "set", self.cable, "down")

    def plug(self) -> None:
        _ip("link", "set", self.cable, "up")


def may_make_networks() -> bool:
    """Tell whether this process has the rights and the program."""
    name = f"octo-{os.getpid()}"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@contextmanager
def network(number: int) -> Iterator[Network]:
    """Make a network that is joined to this one by a cable, while the body lasts."""
    name, cable = f"octo-{os.getpid()}-{number}", f"octo{number}"
    here, there = f"10.213.{number}.1", f"10.213.{number}.2"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("addr", "add", f"{here}/30", "dev", cable)
        _ip("link", "set", cable, "up")
        for command in (
            ["addr", "add", f"{there}/30", "dev", "eth0"],
            ["link", "set", "eth0", "up"],
            ["link", "set", "lo", "up"],
        ):
            _ip("-n", name, *command)
        yield Network(name, cable, here)
        _ip("link", "del", cable)  # or it is there for a while after its other end has gone
    finally:
        _ip("netns", "del", name)


def _ip(*arguments: str) -> None:
    subprocess.run([IP, *arguments], check=True, capture_output=True)
