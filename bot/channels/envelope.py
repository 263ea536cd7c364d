"""Safe mode, the encrypted envelope that WeCom and Official Accounts share: open what comes in, seal what goes out.

Protocol: developer.work.weixin.qq.com/document/path/90968 (AES-256-CBC, PKCS#7 to 32 bytes, ``random(16) + length(4) + text + receive id``).
Nothing is parsed or decrypted before the signature holds: an XML parser costs seconds for a hostile megabyte.
A request recorded by somebody else is refused by its age (here), by the age of the message inside (:mod:`.application`), and by the
message id (the dispatcher).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from wechatpy.crypto.cryptography import WeChatCipher
from wechatpy.crypto.pkcs7 import PKCS7Encoder

from bot.chat import Unauthentic

CAP = 256 * 1024
"""Bytes of the longest body that is looked at; the platform's own stay under 10 KB."""
WINDOW = timedelta(seconds=300)
"""How far the platform's clock may be from ours; our choice, the platform names none."""

BLOCK, PREFIX, LENGTH = 32, 16, 4
ENCRYPT = re.compile(rb"<Encrypt>(?:<!\[CDATA\[)?([A-Za-z0-9+/]++={0,2})(?:\]\]>)?</Encrypt>")
TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
NONCE = re.compile(r"[!-~]{1,128}")
BASE64 = re.compile(r"[A-Za-z0-9+/]++={0,2}")
# A URL check carries a short word. Without this limit a recorded message, sent again as a URL check, would be decrypted for the sender.
ECHO = re.compile(r"[^\s<>]{1,128}")


class Envelope:
    """One application's token and key. ``receive_id`` is the corp id or app id that must stand inside each message."""

    def __init__(self, token: str, aes_key: str, receive_id: str) -> None:
        key = base64.b64decode(aes_key + "=", validate=True)
        if len(key) != BLOCK:
            raise ValueError("the AES key is not the 43 characters shown in the platform's console")
        self._token = token
        self._cipher = WeChatCipher(key)
        self._receive_id = receive_id.encode()

    def open(self, query: Mapping[str, str], body: bytes, now: datetime) -> bytes:
        """The message inside an authentic body; :class:`Unauthentic` otherwise. Nobody has checked yet that it is text or XML."""
        if len(body) > CAP:
            raise Unauthentic("body over the cap", 413)
        found = ENCRYPT.search(body)
        if not found:
            raise Unauthentic("no Encrypt in the body", 400)
        encrypted = found[1].decode()
        timestamp, nonce = _stamp(query)
        if abs(now.timestamp() - int(timestamp)) > WINDOW.total_seconds():
            raise Unauthentic("timestamp outside the window")
        self._check(query.get("msg_signature", ""), timestamp, nonce, encrypted)
        return self._decrypt(encrypted)

    def echo(self, query: Mapping[str, str]) -> str:
        """The decrypted word of an encrypted URL check (WeCom)."""
        encrypted = query.get("echostr", "")
        if not BASE64.fullmatch(encrypted):
            raise Unauthentic("no echostr", 400)
        self._check(query.get("msg_signature", ""), *_stamp(query), encrypted)
        return _echo(self._decrypt(encrypted).decode(errors="replace"))

    def plain_echo(self, query: Mapping[str, str]) -> str:
        """The word of an unencrypted URL check (Official Account). Its signature does not cover the word."""
        self._check(query.get("signature", ""), *_stamp(query))
        return _echo(query.get("echostr", ""))

    def seal(self, text: str, now: datetime) -> str:
        """The encrypted and signed XML of a passive answer."""
        timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(8)
        encrypted = self._encrypt(text.encode())
        signature = self._sign(timestamp, nonce, encrypted)
        return (
            f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
            f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        )

    def _sign(self, *parts: str) -> str:
        joined = "".join(sorted((self._token, *parts)))
        return hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()

    def _check(self, signature: str, *parts: str) -> None:
        # Bytes, because compare_digest raises on a str outside ASCII.
        if not hmac.compare_digest(self._sign(*parts).encode(), signature.encode(errors="replace")):
            raise Unauthentic("bad signature")

    def _encrypt(self, text: bytes) -> str:
        plain = secrets.token_bytes(PREFIX) + len(text).to_bytes(LENGTH, "big") + text + self._receive_id
        return base64.b64encode(self._cipher.encrypt(PKCS7Encoder.encode(plain))).decode()

    def _decrypt(self, encrypted: str) -> bytes:
        try:
            plain = _unpad(self._cipher.decrypt(base64.b64decode(encrypted, validate=True)))
        except (binascii.Error, ValueError):
            raise Unauthentic("signed, but not decryptable: is the AES key the right one?", 400) from None
        start = PREFIX + LENGTH
        end = start + int.from_bytes(plain[PREFIX:start], "big")
        if not hmac.compare_digest(plain[end:], self._receive_id):
            raise Unauthentic("meant for another receive id")
        return plain[start:end]


def _stamp(query: Mapping[str, str]) -> tuple[str, str]:
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if not TIMESTAMP.fullmatch(timestamp):
        raise Unauthentic("no timestamp", 400)
    if not NONCE.fullmatch(nonce):
        raise Unauthentic("no nonce", 400)
    return timestamp, nonce


def _unpad(plain: bytes) -> bytes:
    padding = plain[-1] if plain else 0
    if not 1 <= padding <= BLOCK or plain[-padding:] != bytes([padding]) * padding:
        raise ValueError("bad padding")
    return plain[:-padding]


def _echo(word: str) -> str:
    if not ECHO.fullmatch(word):
        raise Unauthentic("not the word of a URL check", 400)
    return word
