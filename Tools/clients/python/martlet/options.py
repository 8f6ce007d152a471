"""How a client connects."""

from __future__ import annotations

import dataclasses
import ssl


@dataclasses.dataclass(frozen=True)
class TLS:
    """Files in PEM form. Without `ca_file` the system's authorities are trusted."""

    ca_file: str | None = None
    certificate_file: str | None = None
    """The client's own certificate, where the server asks for one; its key stands in `key_file`."""
    key_file: str | None = None
    server_name: str | None = None
    """The name that the server's certificate must hold; the address's host when None."""

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate_file:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context


@dataclasses.dataclass(frozen=True)
class Retry:
    """When a call that failed is tried again.

    Only UNAVAILABLE, and RESOURCE_EXHAUSTED with the server's hint that waiting helps. The wait is the server's hint
    where it gives one, else it doubles from `first` seconds, half of it by chance. A stream is tried again only while
    nothing of it was answered and its requests can be sent again.
    """

    attempts: int = 4
    """Tries in all; 1 never tries again."""
    first: float = 0.05
    most: float = 5.0
    """Longest wait in seconds; a server that asks for more is not asked again."""


@dataclasses.dataclass(frozen=True)
class Options:
    token: str = ""
    tls: TLS | None = None
    connect_timeout: float = 10.0
    message_bytes_max: int = 64 << 20


@dataclasses.dataclass(frozen=True)
class Address:
    host: str = ""
    port: int = 0
    path: str | None = None
    """Of a Unix socket, instead of host and port."""

    @classmethod
    def parse(cls, text: str) -> Address:
        """`host:port`, `[ipv6]:port` or `unix:/path`."""
        if text.startswith("unix:") and text != "unix:":
            return cls(path=text.removeprefix("unix:"))
        host, colon, port = text.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        if not colon or not bare or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError(f"{text!r} is no address: write host:port, [ipv6]:port or unix:/path")
        return cls(host=bare, port=int(port))

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
