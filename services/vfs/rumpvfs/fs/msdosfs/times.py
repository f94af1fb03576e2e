"""Dates and times of directory entries: local time since 1980, two seconds fine, with a tenth byte in 10 ms.

A date is year-1980 (7 bits), month (4), day (5); a time is hour (5), minute (6), seconds/2 (5).
"""

from __future__ import annotations

SECOND = 1_000_000_000
DAY = 86400
_FIRST = 315_532_800
"""1980-01-01."""
_LAST = 4_354_819_199
"""2107-12-31 23:59:59."""


def date_of(day: int) -> int:
    """The date of a day since 1970 (Howard Hinnant's civil_from_days)."""
    z = day + 719_468
    era, doe = divmod(z, 146_097)
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    shifted = (5 * doy + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = yoe + era * 400 + (month <= 2)
    return year - 1980 << 9 | month << 5 | doy - (153 * shifted + 2) // 5 + 1


def day_of(date: int) -> int:
    """The day since 1970; months and days that there are none of are taken for the nearest."""
    year = (date >> 9) + 1980
    month = min(max(date >> 5 & 15, 1), 12)
    day = max(date & 31, 1)
    year -= month <= 2
    era, yoe = divmod(year, 400)
    doy = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return era * 146_097 + yoe * 365 + yoe // 4 - yoe // 100 + doy - 719_468


def to_dos(ns: int, gmtoff: int) -> tuple[int, int, int]:
    """Date, time, and 10 ms units (0 to 199) of a time since 1970; what lies outside is moved to the first or last."""
    second, rest = divmod(ns, SECOND)
    second += gmtoff
    if not _FIRST <= second <= _LAST:
        second, rest = (_FIRST, 0) if second < _FIRST else (_LAST, 0)
    day, second = divmod(second, DAY)
    time = second // 3600 << 11 | second // 60 % 60 << 5 | second % 60 >> 1
    return date_of(day), time, (second & 1) * 100 + rest // 10_000_000


def from_dos(date: int, time: int, units: int, gmtoff: int) -> int:
    """Nanoseconds since 1970; 0 when there is no date."""
    if date == 0:
        return 0
    second = min(time >> 11, 23) * 3600 + min(time >> 5 & 63, 59) * 60 + min((time & 31) * 2, 58)
    return (day_of(date) * DAY + second - gmtoff) * SECOND + min(units, 199) * 10_000_000
