"""What was asked of the emulator: requests by kind, and complaints about callers that do not behave."""

from collections import Counter
from typing import Any

_KEPT_COMPLAINTS = 1000


class Stats:
    """Counts requests and keeps complaints: `{what, where, detail}` each, the first thousand in full."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.complaints: list[dict[str, str]] = []
        self.complaint_counts: Counter[str] = Counter()
        self.headers_read = 0
        self.messages_given = 0

    def complain(self, what: str, where: str, detail: str = "") -> None:
        self.complaint_counts[what] += 1
        if len(self.complaints) < _KEPT_COMPLAINTS:
            self.complaints.append({"what": what, "where": where, "detail": detail})

    def value(self) -> dict[str, Any]:
        return {
            "requests": {
                "total": sum(self.requests.values()),
                "byKind": dict(sorted(self.requests.items())),
                "byStatus": {str(status): count for status, count in sorted(self.statuses.items())},
            },
            "messagesGiven": self.messages_given,
            "messageHeadersRead": self.headers_read,
            "complaintCounts": dict(sorted(self.complaint_counts.items())),
            "complaints": self.complaints,
        }
