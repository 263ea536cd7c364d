"""通知: what was sent, as a paper that can be filed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.documents.words import clean, day, moment, names, or_blank, span
from bot.services.record import ActivityFacts, NoticeFacts
from bot.times import local


def fields(facts: NoticeFacts, now: datetime) -> dict[str, Any]:
    """The fields of the template ``notice``."""
    about = facts.activity
    title = f"关于{_verb(about.kind)}{about.kind}的通知" if about else "通　知"
    paragraphs = _invitation(about, now) if about else clean(facts.text).split("\n")
    return {
        "支部": clean(facts.branch),
        "标题": title,
        "称呼": "各位同志：",
        "段落": [text for text in paragraphs if text.strip()],
        "日期": day(local(facts.at, now).date()),
        "送达": _delivery(facts, now),
    }


def _verb(kind: str) -> str:
    """A meeting is called, an activity carried out."""
    return "召开" if kind.endswith("会") else "开展"


def _invitation(about: ActivityFacts, now: datetime) -> list[str]:
    starts = f"{moment(about.starts_at, now)}" if about.hour_known else span(about, now)
    points = [
        f"主题：{or_blank(about.theme)}",
        f"时间：{starts}",
        f"地点：{or_blank(about.place)}",
        f"参加人员（{len(about.people)} 人）：{clean(names(about.people))}",
    ]
    if about.production:
        points.append(f"结合生产：{clean(about.production)}")
    points.append(f"请于{moment(about.signup_closes_at, now)}前回复报名；不能参加的，请说明原因请假。")
    head = f"现将{_verb(about.kind)}{about.kind}的有关事项通知如下："
    return [head, *(f"{n}、{text}" for n, text in zip("一二三四五六七", points, strict=False))]


def _delivery(facts: NoticeFacts, now: datetime) -> str:
    """Who was addressed; receipts only where they were asked for."""
    text = f"发送对象 {facts.addressed} 人"
    if facts.needs_receipt:
        text += f"，已回执 {facts.confirmed} 人（到{moment(now, now)}）"
    return f"{text}；发送人：{facts.author}。"
