"""Tell systemd that the service is up and alive (``Type=notify``, ``WatchdogSec``)."""

from __future__ import annotations

import os
import socket


def tell_supervisor(text: str) -> None:
    """Send a message to systemd; nothing happens where it did not start the process.

    Args:
        text: such as "READY=1".
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(text.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
    except OSError:
        pass
