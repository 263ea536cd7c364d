"""A calendar as iCalendar text (RFC 5545), which phones and desktop calendars subscribe to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.services.calendar_feed import Event

if TYPE_CHECKING:
    import icalendar

MIMETYPE = "text/calendar; charset=utf-8"
REFRESH = "PT6H"
"""How often a phone may look again."""


def text_of(events: Sequence[Event], *, host: str, zone: ZoneInfo) -> bytes:
    """The calendar. It carries the zone even when there is no event, because a calendar without any part is not valid.

    There are no alarms in it: the bot itself reminds, and two reminders for one thing are one too many.
    """
    import icalendar

    whole = icalendar.Calendar()
    whole.add("prodid", "-//zhibu//支部通//ZH")
    whole.add("version", "2.0")
    whole.add("calscale", "GREGORIAN")
    whole.add("x-wr-calname", "支部日程")
    whole.add("x-wr-timezone", zone.key)
    whole.add("refresh-interval;value=duration", REFRESH)
    whole.add("x-published-ttl", REFRESH)
    whole.add_component(_timezone(zone.key))
    for event in events:
        whole.add_component(_event(event, host, zone))
    body: bytes = whole.to_ical()
    return body


@lru_cache(maxsize=4)
def _timezone(name: str) -> icalendar.Timezone:
    """The zone's rules for the years that can stand in a calendar."""
    import icalendar

    return icalendar.Timezone.from_tzid(name, first_date=date(2025, 1, 1), last_date=date(2038, 1, 1))


def _event(event: Event, host: str, zone: ZoneInfo) -> icalendar.Event:
    import icalendar

    one = icalendar.Event()
    one.add("uid", f"{event.uid}@{host}")
    one.add("dtstamp", event.changed_at)
    one.add("last-modified", event.changed_at)
    one.add("sequence", event.revision)
    one.add("summary", event.title)
    one.add("dtstart", event.starts_at.astimezone(zone))
    if event.ends_at > event.starts_at:
        one.add("dtend", event.ends_at.astimezone(zone))
    if event.place:
        one.add("location", event.place)
    if event.about:
        one.add("description", event.about)
    one.add("status", "CANCELLED" if event.cancelled else "CONFIRMED")
    one.add("transp", "OPAQUE" if event.busy else "TRANSPARENT")
    return one


def last_change(events: Sequence[Event]) -> datetime | None:
    """When something in the calendar changed last; None for an empty one."""
    return max((event.changed_at for event in events), default=None)
