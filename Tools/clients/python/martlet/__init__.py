"""Client of the Martlet model server, over its native protocol."""

from martlet.client import Client, MartletError

__all__ = ["Client", "MartletError"]
