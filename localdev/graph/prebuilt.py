"""Answers about mailboxes that were made beforehand, for tenants too large to judge each page when it is asked for.

A folder holds one file for each user: `<user id>.answers`, in MessagePack the answers by what was asked, each as its
status and its body, compressed. They are kept by `Recorder`; what none was kept for is answered as usual.
"""

import gzip
from collections import OrderedDict
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from localdev.graph.wire import JSON, Answer, Call

Kept = dict[str, tuple[int, bytes]]

_KEPT_FILES = 200
_decode = msgspec.msgpack.Decoder(Kept).decode
_encode = msgspec.msgpack.Encoder().encode


def key(call: Call) -> str:
    """What was asked, whatever the order of its query's options; a preference for ids or time zones makes no other."""
    return f"{call.path}?{urlencode(sorted(call.query.items()))}"


class Prebuilt:
    """The answers of a folder. `missed`: how many calls had none here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: OrderedDict[str, Kept] = OrderedDict()
        self.missed = 0

    def answer(self, user_id: str, call: Call) -> Answer | None:
        kept = self._of(user_id).get(key(call)) if "gzip" in call.headers.get("accept-encoding", "") else None
        if kept is None:
            self.missed += 1
            return None
        status, body = kept
        return Answer(status, body, {"Content-Type": JSON, "Content-Encoding": "gzip"})

    def _of(self, user_id: str) -> Kept:
        if user_id not in self._files:
            file = _file(self._folder, user_id)
            self._files[user_id] = _decode(file.read_bytes()) if file.is_file() else {}
            if len(self._files) > _KEPT_FILES:
                self._files.popitem(last=False)
        return self._files[user_id]


class Recorder:
    """Keeps the answers of one user's mailbox."""

    def __init__(self) -> None:
        self._kept: Kept = {}

    def keep(self, call: Call, answer: Answer) -> None:
        self._kept[key(call)] = answer.status, gzip.compress(answer.body, 6)

    def save(self, folder: Path, user_id: str) -> None:
        """All at once: what is there is whole."""
        unfinished = _file(folder, user_id).with_suffix(".unfinished")
        unfinished.write_bytes(_encode(self._kept))
        unfinished.replace(_file(folder, user_id))


def is_recorded(folder: Path, user_id: str) -> bool:
    return _file(folder, user_id).is_file()


def _file(folder: Path, user_id: str) -> Path:
    return folder / f"{user_id}.answers"
