"""What keeps an installation from working, in words an operator can act on."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from bot import migrations
from bot.app import App
from bot.chat import Channel, SendError
from bot.services import setting

CODES = {
    0: "连不上平台接口：检查网络、代理和 ZHIBU_{channel}_API_BASE",
    -1: "平台忙，过一会儿再试",
    40001: "密钥不对：检查 ZHIBU_{channel}_SECRET 是否是这个应用的 Secret",
    40013: "企业或公众号的编号不对：检查 ZHIBU_WECOM_CORP_ID 或 ZHIBU_OA_APP_ID",
    40056: "应用编号不对：检查 ZHIBU_WECOM_AGENT_ID",
    40125: "密钥不对：检查 ZHIBU_{channel}_SECRET",
    40164: "本机的出口IP不在公众号后台的IP白名单里：到 设置与开发→基本配置 添加",
    45009: "今天的接口次数用完了，明天恢复",
    48001: "这个应用没有此接口的权限：检查应用类型和认证状态",
    48002: "这个应用没有此接口的权限：在管理后台给应用授权",
    60011: "应用的可见范围不包含这些成员：在管理后台扩大可见范围",
    60020: "本机的出口IP不是企业可信IP：到 管理后台→应用→企业可信IP 添加（先设好可信域名或回调地址），约一分钟后生效",
    81013: "接收人都不在应用的可见范围里",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    well: bool
    what: str


def examine(app: App) -> list[Finding]:
    """Everything that can be checked from here, database first."""
    findings = [_database(app), _secret(app), *_callback(app), *_holidays(app)]
    if not app.channels:
        findings.append(Finding(False, "还没有配置渠道：设置 ZHIBU_WECOM_… 或 ZHIBU_OA_…"))
    if findings[0].well:
        for channel in app.channels.values():
            findings += _channel(app, channel)
    return findings


def _database(app: App) -> Finding:
    try:
        found = migrations.revision(app.database)
    except SQLAlchemyError as error:
        return Finding(False, f"数据库连不上（{type(error).__name__}）：检查 ZHIBU_DATABASE_URL")
    if found != migrations.head():
        return Finding(False, f"数据库结构是 {found}，需要 {migrations.head()}：运行 zhibu db upgrade")
    return Finding(True, f"数据库可用，结构 {found}")


def _secret(app: App) -> Finding:
    long_enough = len(app.settings.secret_key.get_secret_value()) >= 16
    return Finding(
        long_enough,
        "ZHIBU_SECRET_KEY 已设置" if long_enough else "ZHIBU_SECRET_KEY 没有设置或太短（至少16个字符）",
    )


def _holidays(app: App) -> list[Finding]:
    today = app.clock().date()
    return [
        Finding(
            False, f"{year}年放假安排没有录入，按周一至周五判断工作日：补在文件里，用 ZHIBU_HOLIDAYS 指明"
        )
        for year in setting.missing_years(today)
    ] or [Finding(True, f"{today.year}年放假安排已录入")]


def _callback(app: App) -> list[Finding]:
    url = urlsplit(app.settings.base_url)
    if url.hostname in ("127.0.0.1", "localhost", "::1"):
        return [
            Finding(False, f"ZHIBU_BASE_URL 是 {app.settings.base_url}，平台访问不到：改成平台能访问的地址")
        ]
    return [_reachable(app.settings.base_url)]


def _reachable(base_url: str) -> Finding:
    import requests

    try:
        answer = requests.get(f"{base_url}/healthz", timeout=5)
    except requests.RequestException as error:
        return Finding(
            False, f"{base_url}/healthz 打不开（{type(error).__name__}）：检查域名解析、nginx 和 zhibu serve"
        )
    well = answer.status_code == 200 and answer.text.strip() == "ok"
    what = "回调地址可用" if well else f"回答不是本程序（HTTP {answer.status_code}）：检查 nginx 转发"
    return Finding(
        well,
        f"{base_url} {what}；平台后台的回调URL填 {base_url}/wecom/callback（企业微信）或 {base_url}/wechat/callback（公众号）",
    )


def _channel(app: App, channel: Channel) -> list[Finding]:
    checks = (("令牌", channel.refresh_token), ("接口权限和可信IP", channel.probe))
    findings = []
    for what, check in checks:
        try:
            check(app.clock())
        except SendError as error:
            findings.append(Finding(False, f"{channel.name} {what}：{explain(error, channel.name)}"))
            break
        findings.append(Finding(True, f"{channel.name} {what}正常"))
    return findings


def explain(error: SendError, channel: str) -> str:
    """The platform's errcode in plain words, with the code."""
    words = CODES.get(error.code, "平台拒绝了调用，请按代码查平台文档")
    return f"{words.format(channel=channel.upper())}（代码 {error.code}：{error}）"
