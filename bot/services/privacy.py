"""What must not be sent through a public chat: marks of classified or internal papers, and identity-card numbers."""

from __future__ import annotations

import re
from datetime import date

from bot.errors import Refusal

LONGEST_QUESTION = 40
"""A question about a mark is short; a paper that happens to hold the word 什么 is not."""

_LEVEL = r"(?<!国家)(?<!商业)(?<!工作)(?:绝\s*密|机\s*密|秘\s*密)|(?:核心|普通)\s*商\s*(?:业秘)?密"
_TERM = r"(?:\d{1,2}|[一二三四五六七八九十]{1,3})\s*(?:年|个月|天)|长期"
_STAR = re.compile(rf"(?:{_LEVEL})\s*(?:级\s*)?[★☆▲*]")
_WITH_TERM = re.compile(
    rf"(?:^|[\s\[\]()【】<>《》:：])(?:{_LEVEL})\s*[:：·\-]?\s*(?:{_TERM})(?=$|[\s\[\]()【】。,，;；!！])"
)
_INTERNAL = re.compile(
    r"(?:^|[\s\[(【《])(?:(?:内部|涉密)(?:资料|文件|材料|情况|刊物)|(?:仅限?|只限)?供?内部(?:使用|传阅|参考|阅看))[\s,，。;；:：!！、\])】]*"
    r"(?:注意保[密存][\s,，。;；!！]*)?(?:请?勿|不得|不准|不要|严禁|禁止|切勿)(?:擅自)?(?:对外)?(?:外传|外泄|转发|传播|扩散|泄露|公开|复印|翻印|摘抄)"
)
_NUMBER = re.compile(
    r"[\u4e00-\u9fffA-Za-z]{1,12}密(?:发|函|电|字|办)?\s*[〔\[(【]\s*(?:19|20)\d\d\s*[〕\])】]\s*第?\s*\d{1,5}\s*号"
)
_QUESTION = re.compile(
    r"[?？]|什么|多久|多长|多少|几年|几种|哪[些个种一]|吗|是否|是不是|怎[么样]|如何|区别|意思|含义|提问"
)
_IDENTITY_CARD = re.compile(r"(?<![0-9A-Za-z])(\d{6})[ -]?(\d{8})[ -]?(\d{3}[\dXx])(?![0-9A-Za-z])")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


class SecretMaterial(Refusal):
    text = "微信里不能发涉密或内部资料（发现{mark}）。这条没有处理，也没有保存。请您从聊天里删除；已经外发的，请马上报告支部书记和保密员。"


class IdentityCardNumber(Refusal):
    text = "微信里不能发身份证号。这条没有处理，也没有保存。请您从聊天里删除；要办的事请去掉证号再发。"


def guard(text: str) -> None:
    """Raise :class:`SecretMaterial` or :class:`IdentityCardNumber` for what must not be taken in. ``text`` is cleaned (bot.nlu)."""
    mark = secret_mark(text)
    if mark is not None:
        raise SecretMaterial(mark=mark)
    if has_identity_card(text):
        raise IdentityCardNumber


def secret_mark(text: str) -> str | None:
    """What kind of mark a text bears, in words that repeat nothing of it; None without one.

    Source of the marks: 《国家秘密定密管理规定》 (level ★ term; confidence: check); 核心商密 and 普通商密 are those of central companies.
    Short questions about secrecy are no secrets, nor are all levels in one breath (绝密30年、机密20年、秘密10年 is what the law says).
    """
    if "密" not in text and "内部" not in text:
        return None
    if _NUMBER.search(text):
        return "带密级的文号"
    if len(text) <= LONGEST_QUESTION and _QUESTION.search(text):
        return None
    if _STAR.search(text):
        return "密级标志"
    if _INTERNAL.search(text):
        return "“内部资料、不得外传”字样"
    levels = {re.sub(r"\s", "", found) for found in re.findall(_LEVEL, text)}
    return "密级和保密期限" if len(levels) == 1 and _WITH_TERM.search(text) else None


def has_identity_card(text: str) -> bool:
    """Whether a number of 18 places with a possible birthday and the right check digit stands in the text (GB 11643-1999)."""
    return any(_is_card("".join(found.groups()).upper()) for found in _IDENTITY_CARD.finditer(text))


def _is_card(number: str) -> bool:
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    check = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False)) % 11
    return born.year >= 1900 and number[17] == _CHECKS[check]
