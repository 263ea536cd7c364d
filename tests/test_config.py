"""Settings are strict: one line names what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import BadSettings, Settings

KEY = "k" * 43
WECOM = {
    "ZHIBU_WECOM_CORP_ID": "ww1",
    "ZHIBU_WECOM_AGENT_ID": "7",
    "ZHIBU_WECOM_SECRET": "s",
    "ZHIBU_WECOM_TOKEN": "t",
    "ZHIBU_WECOM_AES_KEY": KEY,
}


def test_nothing_set_is_a_sqlite_file_without_channels(tmp_path: Path) -> None:
    settings = Settings.from_env({}, tmp_path)
    assert settings.database_url.startswith("sqlite")
    assert not settings.wecom
    assert not settings.oa


def test_all_of_wecom_set_switches_it_on(tmp_path: Path) -> None:
    assert Settings.from_env(WECOM, tmp_path).wecom


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"ZHIBU_DATABASE_ULR": "x"}, "ZHIBU_DATABASE_ULR"),
        ({"ZHIBU_WECOM_AGENT_ID": "seven"}, "ZHIBU_WECOM_AGENT_ID"),
        ({"ZHIBU_WECOM_AGENT_ID": ""}, "ZHIBU_WECOM_AGENT_ID"),
        ({"ZHIBU_WECOM_AES_KEY": "short"}, "ZHIBU_WECOM_AES_KEY"),
        ({"ZHIBU_WECOM_TOKEN": ""}, "ZHIBU_WECOM_TOKEN"),
        ({"ZHIBU_TIMEZONE": "Moon/Crater"}, "ZHIBU_TIMEZONE"),
        ({"ZHIBU_DATABASE_URL": "mysql://root@127.0.0.1/zhibu"}, "ZHIBU_DATABASE_URL"),
        ({"ZHIBU_BASE_URL": "bot.example"}, "ZHIBU_BASE_URL"),
        ({"ZHIBU_WECOM_SECRET_FILE": "/nowhere/secret"}, "ZHIBU_WECOM_SECRET_FILE"),
        ({"ZHIBU_TIMEZONE_FILE": "/nowhere"}, "ZHIBU_TIMEZONE_FILE"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(change: dict[str, str], named: str, tmp_path: Path) -> None:
    with pytest.raises(BadSettings) as refused:
        Settings.from_env(WECOM | change, tmp_path)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_value_that_is_refused_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(BadSettings) as refused:
        Settings.from_env(WECOM | {"ZHIBU_WECOM_AES_KEY": "hidden-value"}, tmp_path)
    assert "hidden-value" not in str(refused.value)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from the file\n")
    env = {k: v for k, v in WECOM.items() if k != "ZHIBU_WECOM_TOKEN"}
    settings = Settings.from_env(env | {"ZHIBU_WECOM_TOKEN_FILE": str(tmp_path / "token")}, tmp_path)
    assert settings.wecom_token.get_secret_value() == "from the file"


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ZHIBU_BASE_URL=http://file\nZHIBU_SECRET_KEY=in-the-file\n")
    settings = Settings.from_env({"ZHIBU_BASE_URL": "http://environment"}, tmp_path)
    assert settings.base_url == "http://environment"
    assert settings.secret_key.get_secret_value() == "in-the-file"


def test_an_unknown_name_in_the_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("ZHIBU_TYPO=1\n")
    with pytest.raises(BadSettings, match="ZHIBU_TYPO"):
        Settings.from_env({}, tmp_path)


def test_the_default_secret_key_is_not_served(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="ZHIBU_SECRET_KEY"):
        Settings.from_env({}, tmp_path).require_real_secret()


def test_secrets_do_not_show_in_a_printout(tmp_path: Path) -> None:
    settings = Settings.from_env(WECOM | {"ZHIBU_WECOM_SECRET": "very-secret"}, tmp_path)
    assert "very-secret" not in repr(settings)
