"""The store as the settings describe it: the one way for commands to open it."""

from channels.security.pseudonyms import read_pseudonyms
from channels.store.store import Store, open_store
from jobs.config import Config


def store_of(config: Config, address: str) -> Store:
    """The store at HOST:PORT with this deployment's prefix and pseudonyms; raises ConfigError."""
    return open_store(address, config.store_prefix, read_pseudonyms(config.pseudonym_key_file))
