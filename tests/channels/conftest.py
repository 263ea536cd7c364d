"""Both channels on a database of their own, with the platform's side of the wire and of the API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

import bot.models  # noqa: F401 (completes the metadata)
from bot.channels.official_account import OfficialAccount
from bot.channels.wecom import WeCom
from bot.config import Settings
from bot.db import Base, Database
from tests.channels.fake_api import SENT, FakeApi
from tests.channels.wire import Wire

NOW = datetime(2026, 3, 6, 8, 5, tzinfo=UTC)
CORP, AGENT, APP = "ww0123456789abcdef", 1000002, "wx0123456789abcdef"
WECOM_WIRE = Wire("wecomtoken", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ", CORP)
OA_WIRE = Wire("oatoken", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopk", APP)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi().serving() as server:
        yield server


@pytest.fixture
def settings() -> Settings:
    return Settings(
        wecom_corp_id=CORP,
        wecom_agent_id=AGENT,
        wecom_secret=SecretStr("a-secret-of-wecom"),
        wecom_token=SecretStr(WECOM_WIRE.token),
        wecom_aes_key=SecretStr(WECOM_WIRE.aes_key),
        oa_app_id=APP,
        oa_secret=SecretStr("a-secret-of-the-account"),
        oa_token=SecretStr(OA_WIRE.token),
        oa_aes_key=SecretStr(OA_WIRE.aes_key),
        wecom_api_base="http://127.0.0.1:9",
        oa_api_base="http://127.0.0.1:9",
    )


@pytest.fixture
def online(settings: Settings, api: FakeApi) -> Settings:
    """The settings, with the API at the local server."""
    return settings.model_copy(update={"wecom_api_base": api.base, "oa_api_base": api.base})


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path}/zhibu.db")
    Base.metadata.create_all(made.engine)
    yield made
    made.dispose()


@pytest.fixture
def wecom(settings: Settings, database: Database) -> WeCom:
    return WeCom(settings, database)


@pytest.fixture
def oa(settings: Settings, database: Database) -> OfficialAccount:
    return OfficialAccount(settings, database)


@pytest.fixture
def work(online: Settings, database: Database, api: FakeApi) -> WeCom:
    api.answers["message/send"] = SENT
    return WeCom(online, database)


@pytest.fixture
def account(online: Settings, database: Database, api: FakeApi) -> OfficialAccount:
    api.answers["message/custom/send"] = {"errcode": 0}
    return OfficialAccount(online, database)
