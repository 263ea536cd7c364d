"""The platform's side of safe mode, written from the published protocol with the bare cipher: nothing here is wechatpy's."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PREFIX = b"sixteen bytes..."
"""The same in every run: with random ones a wrong key would find good padding once in 256."""


@dataclass(frozen=True)
class Wire:
    token: str
    aes_key: str
    receive_id: str

    def sign(self, *parts: str) -> str:
        return hashlib.sha1("".join(sorted([self.token, *parts])).encode()).hexdigest()

    def cipher(self) -> Cipher:
        key = base64.b64decode(self.aes_key + "=")
        return Cipher(algorithms.AES(key), modes.CBC(key[:16]))

    def encrypt_raw(self, padded: bytes) -> str:
        work = self.cipher().encryptor()
        return base64.b64encode(work.update(padded) + work.finalize()).decode()

    def encrypt(self, text: bytes, length: int | None = None) -> str:
        size = len(text) if length is None else length
        plain = PREFIX + size.to_bytes(4, "big") + text + self.receive_id.encode()
        gap = 32 - len(plain) % 32
        return self.encrypt_raw(plain + bytes([gap]) * gap)

    def decrypt(self, encrypted: str) -> str:
        work = self.cipher().decryptor()
        padded = work.update(base64.b64decode(encrypted)) + work.finalize()
        plain = padded[: -padded[-1]]
        end = 20 + int.from_bytes(plain[16:20], "big")
        assert len(padded) % 32 == 0
        assert plain[end:].decode() == self.receive_id
        return plain[20:end].decode()

    def post(self, inner: bytes | str, now: datetime, nonce: str = "1372623149") -> Post:
        raw = inner.encode() if isinstance(inner, str) else inner
        return self.post_encrypted(self.encrypt(raw), now, nonce)

    def post_encrypted(self, encrypted: str, now: datetime, nonce: str = "1372623149") -> Post:
        """A post whose signature fits, whatever ``encrypted`` is."""
        timestamp = str(int(now.timestamp()))
        query = {
            "msg_signature": self.sign(timestamp, nonce, encrypted),
            "timestamp": timestamp,
            "nonce": nonce,
        }
        body = f"<xml><ToUserName><![CDATA[{self.receive_id}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
        return Post(query, body.encode())

    def read_answer(self, answer: str) -> str:
        """The XML inside a passive answer, after its signature was checked."""
        encrypted, signature, timestamp, nonce = (
            re.search(rf"<{name}>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</{name}>", answer)[1]
            for name in ("Encrypt", "MsgSignature", "TimeStamp", "Nonce")
        )
        assert signature == self.sign(timestamp, nonce, encrypted)
        return self.decrypt(encrypted)


@dataclass(frozen=True)
class Post:
    query: dict[str, str]
    body: bytes

    def url(self, path: str) -> str:
        return f"{path}?{urlencode(self.query)}"

    def asking(self, **query: str) -> Post:
        return replace(self, query=self.query | query)
