"""Phone numbers are encrypted at rest with a key derived from the installation's secret, and masked on screen."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken


def _box(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"phone " + secret.encode()).digest()))


def seal(number: str, secret: str) -> str:
    """The number as it is stored."""
    return _box(secret).encrypt(number.encode()).decode()


def unseal(stored: str, secret: str) -> str | None:
    """The number again; None when the secret has changed since."""
    try:
        return _box(secret).decrypt(stored.encode()).decode()
    except InvalidToken:
        return None


def same(stored: str | None, number: str, secret: str) -> str:
    """``stored`` when it already holds this number, so that a repeated import changes nothing; otherwise the number sealed."""
    if stored is not None and unseal(stored, secret) == number:
        return stored
    return seal(number, secret)


def mask(number: str) -> str:
    """138****0000."""
    return f"{number[:3]}****{number[-4:]}" if len(number) >= 8 else "****"
