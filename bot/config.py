"""Settings: one typed object, read once at start, strict.

Values come from environment variables with the prefix ``ZHIBU_`` or a ``.env`` file in the working folder (the environment wins). A secret may stand in a
file named by ``…_FILE``. An unknown variable, a bad value or a missing secret is a :class:`BadSettings` with one line that names it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, ValidationError, field_validator
from sqlalchemy.engine import make_url

PREFIX = "ZHIBU_"
DEFAULT_SECRET = "change-me"  # noqa: S105  (the value that a server refuses)


class BadSettings(Exception):
    """The settings cannot be used; the text is one line for the operator that names the variable."""


def _aes_key(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"(?:[A-Za-z0-9+/]{43})?", value.get_secret_value()):
        raise ValueError("must be the 43 letters and digits shown in the platform's console")
    return value


def _base(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    return value.rstrip("/")


AesKey = Annotated[SecretStr, AfterValidator(_aes_key)]
BaseUrl = Annotated[str, AfterValidator(_base)]
NOTHING = SecretStr("")


class Settings(BaseModel):
    """Everything that differs between installations."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_url: str = "sqlite:///var/zhibu.db"
    database_pooled: bool = False
    secret_key: SecretStr = SecretStr(DEFAULT_SECRET)
    base_url: BaseUrl = "http://127.0.0.1:8000"
    timezone: str = "Asia/Shanghai"
    holidays: str = ""

    wecom_corp_id: str = ""
    wecom_agent_id: int = 0
    wecom_secret: SecretStr = NOTHING
    wecom_token: SecretStr = NOTHING
    wecom_aes_key: AesKey = NOTHING
    wecom_api_base: BaseUrl = "https://qyapi.weixin.qq.com/cgi-bin"

    oa_app_id: str = ""
    oa_secret: SecretStr = NOTHING
    oa_token: SecretStr = NOTHING
    oa_aes_key: AesKey = NOTHING
    oa_api_base: BaseUrl = "https://api.weixin.qq.com/cgi-bin"

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if not re.match(r"(?:sqlite|postgres(?:ql)?)(?:\+\w+)?://", value):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("is not a known time zone, e.g. Asia/Shanghai") from error
        return value

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which times are shown and understood."""
        return ZoneInfo(self.timezone)

    @property
    def data_folder(self) -> Path:
        """Where files of this installation live: beside the SQLite file, else ./var."""
        url = make_url(self.database_url)
        return (
            Path(url.database).parent if url.get_backend_name() == "sqlite" and url.database else Path("var")
        )

    @property
    def wecom(self) -> bool:
        """Whether WeCom is set up."""
        return bool(self.wecom_corp_id)

    @property
    def oa(self) -> bool:
        """Whether an Official Account is set up."""
        return bool(self.oa_app_id)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ, folder: Path = Path()) -> Settings:
        """Read the settings; :class:`BadSettings` names what is wrong."""
        file = folder / ".env"
        pairs = {key: value or "" for key, value in dotenv_values(file).items()} if file.is_file() else {}
        pairs |= environ
        raw = {
            key.removeprefix(PREFIX).lower(): value for key, value in pairs.items() if key.startswith(PREFIX)
        }
        try:
            settings = cls.model_validate(_read_files(raw))
        except ValidationError as error:
            raise BadSettings(_one_line(error)) from None
        _complete(settings)
        return settings

    def require_real_secret(self) -> None:
        """Refuse a server that runs with the default or a short secret key."""
        if len(self.secret_key.get_secret_value()) < 16:
            raise BadSettings(
                "ZHIBU_SECRET_KEY: set it to at least 16 random characters, e.g. the output of `openssl rand -hex 32`"
            )


def _read_files(raw: dict[str, str]) -> dict[str, Any]:
    """Replace each ``x_file`` of a secret by the content of the file it names."""
    values: dict[str, Any] = {}
    for name, value in raw.items():
        target = name.removesuffix("_file")
        field = Settings.model_fields.get(target)
        if name == target or field is None or "SecretStr" not in str(field.annotation):
            values[name] = value
            continue
        try:
            values[target] = Path(value).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise BadSettings(f"{PREFIX}{name.upper()}: cannot read {value}: {error}") from None
    return values


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_input=False)[0]
    name = PREFIX + str(first["loc"][0]).upper() if first["loc"] else PREFIX
    if first["type"] == "extra_forbidden":
        return f"{name}: unknown setting; see the settings table in README.md"
    return f"{name}: {first['msg'].removeprefix('Value error, ')}"


def _complete(settings: Settings) -> None:
    """A channel that is named must have all its secrets."""
    for channel, switch in (("wecom", settings.wecom), ("oa", settings.oa)):
        missing = [
            name
            for name in (f"{channel}_secret", f"{channel}_token", f"{channel}_aes_key")
            if switch and not getattr(settings, name).get_secret_value()
        ]
        if missing:
            raise BadSettings(
                f"{PREFIX}{missing[0].upper()}: missing, needed because the channel {channel} is set up"
            )
    if settings.wecom and not settings.wecom_agent_id:
        raise BadSettings(f"{PREFIX}WECOM_AGENT_ID: missing, needed because the channel wecom is set up")
