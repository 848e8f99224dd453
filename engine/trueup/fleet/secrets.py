"""Reads secrets where fleet.yaml says that they are kept. No message holds a value."""

import os
from collections.abc import Mapping

from trueup.model.fleet import SecretReference


def resolve(reference: SecretReference, env: Mapping[str, str] = os.environ) -> str:
    """The secret. Raises ConfigError, with the reference's place, where it cannot be read."""
    raise NotImplementedError
