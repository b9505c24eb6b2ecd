"""Ports for servers that tests start."""

import random
import socket
from pathlib import Path


def free_port() -> int:
    """A port that nobody listens on and that no connection is given by chance, so that it stays free.

    It lies below the range from which the system takes a port for a socket that names none (Linux; elsewhere
    IANA's, from 49152), and above the ports that Ray takes by itself.
    """
    own = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(own.read_text().split()[0]) if own.exists() else 49152
    below = range(20_000, lowest) or range(20_000, 65_536)
    for port in random.SystemRandom().sample(below, len(below)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"no port of {below.start}..{below.stop - 1} is free")
