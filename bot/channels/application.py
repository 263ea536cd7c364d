"""What the two platforms have in common, seen from the rest of the product."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.channels import inbound
from bot.channels.api import Api
from bot.channels.envelope import Envelope
from bot.chat import Message, Reply, SendError, Unauthentic

NO_SUCH_CALL = 48001
"""The platform's own code for a call that an application does not have."""
FRESH = timedelta(days=1)
"""How old a message may be. The platform repeats within seconds, but may deliver late after a fault of its own; an older one is a replay.

The time outside is not enough: the signature joins its parts without a border, so a recorded request can be cut anew into another time. The
dispatcher must remember message ids for longer than this.
"""


class Application:
    """A channel without its manner of speaking: authentic messages in, sealed answers out."""

    name: str
    silence: str = ""
    """The answer that says nothing and is taken as received."""

    def __init__(self, envelope: Envelope, api: Api) -> None:
        self._envelope, self._api = envelope, api

    def receive(self, query: Mapping[str, str], body: bytes, now: datetime) -> Message | None:
        """The authentic message; None when authentic but nothing for us; :class:`Unauthentic` otherwise."""
        read = inbound.read(self.name, self._envelope.open(query, body, now))
        if read is None:
            return None
        if abs(now - read.message.at) > FRESH:
            raise Unauthentic("the message inside is too old")
        return self.accept(read)

    def accept(self, read: inbound.Inbound) -> Message:
        """The message as the rest of the product knows it."""
        return read.message

    def render(self, message: Message, reply: Reply | None, now: datetime) -> str:
        """The sealed passive answer."""
        if reply is None or not (reply.text or reply.article or reply.button):
            return self.silence
        return self._envelope.seal(self.passive(message, reply, now), now)

    def passive(self, message: Message, reply: Reply, now: datetime) -> str:
        """The answer as the platform's XML."""
        raise NotImplementedError

    def refresh_token(self, now: datetime) -> None:
        """Renew the access token when it nears its end."""
        self._api.refresh_token(now)

    def recall(self, platform_id: str, now: datetime) -> None:
        """Take back what was sent; a platform that cannot says so as it would say no to any call."""
        raise SendError(NO_SUCH_CALL, "this platform takes no message back", permanent=True)

    def download(self, media: str, now: datetime) -> bytes:
        """The content of an image or voice that a member sent."""
        return self._api.content("media/get", now, media_id=media)
