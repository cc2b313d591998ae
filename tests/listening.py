"""What listens in a home, where, and what those get who knock without a secret."""

import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from typing import Final, NamedTuple

import psutil

ANSWER_S: Final = 5.0
FLINK: Final = "org.apache.flink."
HOST: Final = "127.0.0.1"
JAR: Final = (
    b'--b\r\nContent-Disposition: form-data; name="jarfile"; filename="x.jar"\r\n'
    b"Content-Type: application/java-archive\r\n\r\nx\r\n--b--\r\n"
)
UPLOAD: Final = (
    b"POST /jars/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(JAR), JAR)
)
VOICES: Final = {
    # Flink's REST, asked for what it runs; a page in a browser sends the second without asking first
    b"GET /overview HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n": b"HTTP/1.1 200",
    UPLOAD: b"HTTP/1.1 200",
    # py4j: any static method of Java
    b"c\nz:java.lang.System\ncurrentTimeMillis\ne\n": b"!y",
    # Flink's BlobServer: keep this byte
    b"\x00\x00\x01\x01\x00\x00\x00x\xff\xff\xff\xff": b"\x00",
}
"""What is said to a port, and how the answer begins of one that obeys."""


class Port(NamedTuple):
    """A port and the process that listens on it."""

    process: str
    address: str
    number: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        address = ip_address(self.address)
        inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        return (inner or address).is_loopback


def ports(processes: Iterable[psutil.Process]) -> Iterator[Port]:
    """All that these processes listen on."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            name = " ".join(process.cmdline())[-120:]
            for one in process.net_connections("inet"):
                if one.status == psutil.CONN_LISTEN:
                    yield Port(name, one.laddr.ip, one.laddr.port)


def is_flink(process: psutil.Process) -> bool:
    """Whether this is a JVM of a job, a JobManager or a task manager."""
    with suppress(psutil.NoSuchProcess):
        words = process.cmdline()
        return (
            bool(words)
            and words[0].endswith("/java")
            and any(one.startswith(FLINK) for one in words)
        )
    return False


def obeyed(port: Port) -> list[bytes]:
    """What the port does for somebody who has no secret; empty where it refuses all of it."""
    done = [said for said, obeys in VOICES.items() if _plain(port, said).startswith(obeys)]
    encrypted = (said for said in VOICES if _encrypted(port, said))
    return [*done, *(b"encrypted: " + said for said in encrypted)]


def _plain(port: Port, said: bytes) -> bytes:
    with suppress(OSError), socket.create_connection((HOST, port.number), ANSWER_S) as link:
        link.sendall(said)
        return link.recv(1000)
    return b""


def _encrypted(port: Port, said: bytes) -> bytes:
    """What it answers to a client that trusts everybody and shows no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        suppress(OSError),
        socket.create_connection((HOST, port.number), ANSWER_S) as link,
        context.wrap_socket(link) as tls,
    ):
        tls.sendall(said)
        return tls.recv(1000)
    return b""
