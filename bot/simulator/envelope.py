"""The platform's envelope: its encryption, its signature and its XML.

Written from the platform's published rules with nothing but the cipher itself, so that it also proves that the bot's library reads what the
platform really sends: AES-256-CBC, IV = first half of the key, PKCS#7 to blocks of 32 bytes, plaintext = random(16) + length(4, big endian) +
message + receiver's id; signature = SHA-1 of the sorted token, timestamp, nonce and ciphertext.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import string
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK = 32
LETTERS = string.ascii_letters + string.digits
# The 43rd letter carries only four bits of the key; these are the ones whose two spare bits are zero.
LAST_LETTERS = "AEIMQUYcgkosw048"


class Garbled(Exception):
    """The bot's answer cannot be read: wrong signature, wrong receiver, broken encryption or broken XML."""


def random_letters(length: int) -> str:
    """Letters and digits from the system's secure source."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))


def new_aes_key() -> str:
    """A fresh EncodingAESKey: 43 letters and digits, as the platform's console shows it."""
    return random_letters(42) + secrets.choice(LAST_LETTERS)


@dataclass(frozen=True, slots=True)
class Envelope:
    """One application's key material; ``receiver`` is the corp id on WeCom, the app id on an Official Account."""

    token: str
    aes_key: str
    receiver: str

    def seal(self, text: str) -> str:
        """Encrypt ``text``; base64 as it stands in ``<Encrypt>``."""
        message = text.encode()
        plain = secrets.token_bytes(16) + struct.pack(">I", len(message)) + message + self.receiver.encode()
        gap = BLOCK - len(plain) % BLOCK
        encryptor = self._cipher().encryptor()
        sealed = encryptor.update(plain + bytes([gap]) * gap) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def open(self, sealed: str) -> str:
        """Decrypt what :meth:`seal` or the bot made; :class:`Garbled` unless every part of it is right."""
        try:
            decryptor = self._cipher().decryptor()
            padded = decryptor.update(base64.b64decode(sealed, validate=True)) + decryptor.finalize()
        except (ValueError, binascii.Error) as error:
            raise Garbled(f"not a ciphertext: {error}") from None
        return self._unpack(padded)

    def sign(self, timestamp: str, nonce: str, sealed: str = "") -> str:
        """The signature over the four parts; without ``sealed`` the three-part one of an Official Account."""
        parts = sorted(part for part in (self.token, timestamp, nonce, sealed) if part)
        return hashlib.sha1("".join(parts).encode(), usedforsecurity=False).hexdigest()

    def check(self, signature: str, timestamp: str, nonce: str, sealed: str) -> None:
        """Raise :class:`Garbled` when ``signature`` does not fit."""
        if not hmac.compare_digest(signature.encode(), self.sign(timestamp, nonce, sealed).encode()):
            raise Garbled("the signature of the answer does not fit")

    def _cipher(self) -> Cipher[modes.CBC]:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def _unpack(self, padded: bytes) -> str:
        gap = padded[-1] if padded else 0
        if not 1 <= gap <= BLOCK or padded[-gap:] != bytes([gap]) * gap or len(padded) - gap < 20:
            raise Garbled("the padding is wrong")
        plain = padded[:-gap]
        end = 20 + int.from_bytes(plain[16:20], "big")
        if plain[end:] != self.receiver.encode():
            raise Garbled("the length or the receiver is wrong")
        try:
            return plain[20:end].decode()
        except UnicodeDecodeError:
            raise Garbled("the text is not UTF-8") from None


Node = str | int | Mapping[str, Any] | Sequence[Any]


def to_xml(tag: str, node: Node) -> str:
    """XML as the platform writes it: words in CDATA, numbers bare, a list as a repeated tag."""
    if isinstance(node, str):
        return f"<{tag}><![CDATA[{_clean(node)}]]></{tag}>"
    if isinstance(node, int):
        return f"<{tag}>{node}</{tag}>"
    if isinstance(node, Mapping):
        return f"<{tag}>{''.join(to_xml(name, value) for name, value in node.items())}</{tag}>"
    return "".join(to_xml(tag, one) for one in node)


def from_xml(text: str) -> dict[str, Any]:
    """The children of the root as text, dictionaries, or lists where a tag is repeated; :class:`Garbled` when it is not such XML."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Garbled("the answer declares entities")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - the bot's own answer, entities refused above
    except ElementTree.ParseError as error:
        raise Garbled(f"the answer is not XML: {error}") from None
    tree = _tree(root)
    if not isinstance(tree, dict):
        raise Garbled("the answer has no elements")
    return tree


def _tree(element: ElementTree.Element) -> dict[str, Any] | str:
    if len(element) == 0:
        return element.text or ""
    if (element.text or "").strip():
        # An unescaped "]]>" in a reply ends like this: words with stray elements between them.
        raise Garbled(f"<{element.tag}> holds words and elements")
    tree: dict[str, Any] = {}
    for child in element:
        value = _tree(child)
        if child.tag not in tree:
            tree[child.tag] = value
        elif isinstance(tree[child.tag], list):
            tree[child.tag].append(value)
        else:
            tree[child.tag] = [tree[child.tag], value]
    return tree


def _clean(text: str) -> str:
    """Only what XML 1.0 may hold, and no end of CDATA inside CDATA."""
    allowed = "".join(letter for letter in text if letter in "\t\n\r" or _printable(ord(letter)))
    return allowed.replace("]]>", "]]]]><![CDATA[>")


def _printable(code: int) -> bool:
    return 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
