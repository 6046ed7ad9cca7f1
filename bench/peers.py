"""The same figures by other means, to compare with: SQL in DuckDB, and pandas as one would write it at first.

Both read the bucket files of the bench, one bucket at a time, and give the rows of `figures.Figures` as one frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from bench.synthetic import NAME, RUN, WINDOW
from shared.core.contracts import Spread
from shared.core.periods import DAYS, LEVELS

REPLY_LIMIT_US = 30 * 86_400_000_000
KEYS = ["account", "level", "period"]
COLUMNS = [
    *("emails_to", "emails_from", "meetings_to", "meetings_from", "meetings"),
    *("people_emails", "people_meetings", "people", "contacts_emails", "contacts_meetings"),
    *("last_day", "replies", "meeting_minutes", "reply_minutes", "first_day", "last_email_day", "last_meeting_day"),
]


def check(svc: Any, theirs: pd.DataFrame, spread: Spread) -> None:
    """Raises where a peer's figures are not those that the product's activities left."""
    import numpy as np

    from bench.synthetic import plan_of
    from shared.adapters import shuffles
    from shared.core import blob_names
    from shared.core.columns import concat
    from shared.core.figures import Figures, ranges_of

    names = [blob_names.figures(NAME, RUN, call, "accounts") for call in range(spread.aggregations)]
    written = shuffles.read(svc.storage.staging, Figures, names)
    ranges = ranges_of(len(plan_of(svc).contacts.accounts))[1]
    own = concat([written.part(number) for number in range(ranges)])
    order = np.lexsort((own.period, own.level, own.account))
    theirs = theirs.sort_values(KEYS)
    for name in (*KEYS, *COLUMNS):
        absent = -1 if name.endswith("_day") else 0
        found = theirs[name].fillna(absent).to_numpy(np.float64)
        np.testing.assert_allclose(found, getattr(own, name)[order], rtol=1e-12, err_msg=name)


def _buckets(folder: Path) -> Iterator[tuple[pa.Table, pa.Table]]:
    """The messages and the meetings of each bucket."""
    for call in sorted((folder / "staging" / NAME / RUN / "buckets").iterdir()):
        messages, meetings = (
            [pa.ipc.open_file(pa.memory_map(str(file))) for file in sorted(call.glob(f"*.{kind}.arrow"))]
            for kind in ("messages", "meetings")
        )
        for part in range(messages[0].num_record_batches):
            yield _together(messages, part), _together(meetings, part)


def _together(files: list[Any], part: int) -> pa.Table:
    return pa.Table.from_batches([file.get_batch(part) for file in files])


def _periods() -> pd.DataFrame:
    """(level, day, period) for each level and day of the window."""
    return pd.concat(
        pd.DataFrame({"level": number, "day": range(DAYS), "period": WINDOW.period_of_day(level)})
        for number, level in enumerate(LEVELS)
    )


def by_duckdb(folder: Path) -> pd.DataFrame:
    """SQL, on one thread, to compare like with like."""
    import duckdb

    periods = _periods()
    frames = []
    for messages, meetings in _buckets(folder):
        with duckdb.connect(config={"threads": 1}) as sql:
            sql.register("periods_frame", periods)
            sql.execute("create table p as select * from periods_frame")
            sql.register("messages", messages)
            sql.register("meetings", meetings)
            sql.execute(_MESSAGES)
            sql.execute(_MEETINGS)
            sql.execute(_REPLIES)
            figures: pd.DataFrame = sql.sql(_FIGURES).df()
            frames.append(figures)
    return pd.concat(frames)


_MESSAGES = "create table m as select row_number() over () as row, * from messages where direction > 0"
_MEETINGS = "create table c as select * from meetings"

_REPLIES = f"""
create table e as select row, account, direction, sent, received, unnest(conversations) as thread from m;
create table r as
with candidates as (
  select f.row, f.sent, f.received, t.row as parent, t.sent as asked
  from (select * from e where direction = 2) f
  asof join (select * from e where direction = 1) t
    on f.account = t.account and f.thread = t.thread and f.received > t.sent
), links as (
  select row, any_value(sent) as sent, any_value(received) as received, arg_max(parent, asked) as parent,
    max(asked) as asked
  from candidates group by row
)
select row, received - asked as elapsed from links
qualify row_number() over (partition by parent order by received, sent) = 1;
delete from r where elapsed > {REPLY_LIMIT_US};
"""

_FIGURES = """
with emails as (
  select account, level, period, count(*) filter (direction = 1) as emails_to,
    count(*) filter (direction = 2) as emails_from, max(day) as last_email
  from m join p using (day) group by all
), met as (
  select account, level, period, count(*) filter (direction = 1) as meetings_to,
    count(*) filter (direction = 2) as meetings_from, count(*) as meetings, max(day) as last_meeting,
    sum(minutes) as meeting_minutes
  from c join p using (day) group by all
), seen as (
  select account, day, unnest(people) as person, 1 as kind from m
  union all select account, day, unnest(people), 2 from c
), people as (
  select account, level, period, count(distinct person) as people,
    count(distinct person) filter (kind = 1) as people_emails,
    count(distinct person) filter (kind = 2) as people_meetings
  from seen join p using (day) group by all
), named as (
  select account, day, unnest(contacts) as contact, 1 as kind from m
  union all select account, day, unnest(contacts), 2 from c
), theirs as (
  select account, level, period, count(distinct contact) filter (kind = 1) as contacts_emails,
    count(distinct contact) filter (kind = 2) as contacts_meetings
  from named join p using (day) group by all
), answered as (
  select account, level, period, count(*) as replies, sum(elapsed / 60e6) as reply_minutes
  from r join m using (row) join p using (day) group by all
), whole as (
  select account, min(day) as first_day, max(day) filter (kind = 1) as last_email_day,
    max(day) filter (kind = 2) as last_meeting_day
  from (select account, day, 1 as kind from m union all select account, day, 2 from c) group by all
)
select *, greatest(last_email, last_meeting) as last_day
from people left join emails using (account, level, period) left join met using (account, level, period)
  left join theirs using (account, level, period) left join answered using (account, level, period)
  join whole using (account)
"""


def by_pandas(folder: Path) -> pd.DataFrame:
    """Frames that are exploded, merged with the periods and grouped."""
    return pd.concat(_pandas_bucket(*bucket) for bucket in _buckets(folder))


def _pandas_bucket(message_rows: pa.Table, meeting_rows: pa.Table) -> pd.DataFrame:
    messages, meetings = message_rows.to_pandas(), meeting_rows.to_pandas()
    messages = messages[messages.direction > 0].rename_axis("row").reset_index()
    answered = _pandas_replies(messages)
    parts = [_pandas_level(messages, meetings, answered, number, level) for number, level in enumerate(LEVELS)]
    days = pd.concat([messages[["account", "day"]], meetings[["account", "day"]]]).groupby("account").day
    whole = pd.DataFrame(
        {
            "first_day": days.min(),
            "last_email_day": messages.groupby("account").day.max(),
            "last_meeting_day": meetings.groupby("account").day.max(),
        }
    )
    figures: pd.DataFrame = pd.concat(parts).merge(whole, left_on="account", right_index=True)
    return figures


def _pandas_replies(messages: pd.DataFrame) -> pd.DataFrame:
    events = messages[["row", "account", "direction", "sent", "received", "day", "conversations"]]
    events = events.explode("conversations").dropna(subset="conversations")
    asked, answers = events[events.direction == 1], events[events.direction == 2]
    links = pd.merge_asof(
        answers.sort_values("received"),
        asked[["account", "conversations", "row", "sent"]].sort_values("sent"),
        left_on="received",
        right_on="sent",
        by=["account", "conversations"],
        allow_exact_matches=False,
        suffixes=("", "_asked"),
    ).dropna(subset="row_asked")
    links = links.sort_values(["sent_asked"]).drop_duplicates("row", keep="last")
    links = links.sort_values(["received", "sent"]).drop_duplicates("row_asked")
    links["elapsed"] = links.received - links.sent_asked
    in_time: pd.DataFrame = links[links.elapsed <= REPLY_LIMIT_US]
    return in_time


def _pandas_level(
    messages: pd.DataFrame, meetings: pd.DataFrame, answered: pd.DataFrame, number: int, level: str
) -> pd.DataFrame:
    period = WINDOW.period_of_day(level)
    for frame in (messages, meetings, answered):
        frame["period"] = period[frame.day.astype(int)]
    by = ["account", "period"]

    def distinct(frame: pd.DataFrame, column: str) -> Any:
        return frame[[*by, column]].explode(column).groupby(by)[column].nunique()

    everybody = pd.concat([messages[[*by, "people"]], meetings[[*by, "people"]]])
    last = pd.concat([messages[[*by, "day"]], meetings[[*by, "day"]]]).groupby(by).day.max()
    figures = pd.DataFrame(
        {
            "emails_to": messages[messages.direction == 1].groupby(by).size(),
            "emails_from": messages[messages.direction == 2].groupby(by).size(),
            "meetings_to": meetings[meetings.direction == 1].groupby(by).size(),
            "meetings_from": meetings[meetings.direction == 2].groupby(by).size(),
            "meetings": meetings.groupby(by).size(),
            "people_emails": distinct(messages, "people"),
            "people_meetings": distinct(meetings, "people"),
            "people": distinct(everybody, "people"),
            "contacts_emails": distinct(messages, "contacts"),
            "contacts_meetings": distinct(meetings, "contacts"),
            "last_day": last,
            "replies": answered.groupby(by).size(),
            "meeting_minutes": meetings.groupby(by).minutes.sum(),
            "reply_minutes": answered.groupby(by).elapsed.sum() / 60e6,
        }
    )
    return figures.reset_index().assign(level=number)
