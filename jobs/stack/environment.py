"""What a child is told by its environment: the settings that it reads, and no secret of another."""

import os
from typing import Final

from jobs.config import Config, as_environment

PREFIX: Final = "KAIROS_"
NOT_FOR_JOBS: Final = (
    "KAIROS_API_",
    "KAIROS_REDIS",
    "KAIROS_STORE_",
    "KAIROS_PSEUDONYM_",
    "KAIROS_CONTROL_SIGNING_",
)
"""Settings of the API, the store, and whoever publishes: a job reads none of them."""


def plain_environment() -> dict[str, str]:
    """Ours without its settings: for servers, and whoever is told everything on the command line."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def job_environment(config: Config) -> dict[str, str]:
    """For a Flink job: the settings that are in use, without those of the API and the store."""
    settings = as_environment(config)
    kept = {name: value for name, value in settings.items() if not name.startswith(NOT_FOR_JOBS)}
    return plain_environment() | kept | {"PYTHONUNBUFFERED": "1"}


def api_environment(config: Config) -> dict[str, str]:
    """For the Decision API: all settings that are in use."""
    return plain_environment() | as_environment(config) | {"PYTHONUNBUFFERED": "1"}


def store_environment(config: Config) -> dict[str, str]:
    """For the store writer, which is told the rest on its command line."""
    return plain_environment() | {"KAIROS_HOME": str(config.home), "PYTHONUNBUFFERED": "1"}
