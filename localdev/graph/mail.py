"""The mailbox's answers about mail: messages in a window of time, folders by id or well-known name."""

from datetime import datetime, timedelta

from localdev.graph import filters
from localdev.graph.context import Asked
from localdev.graph.filters import Comparison, Joined
from localdev.graph.mailbox import Mailbox
from localdev.graph.paging import MAIL, Page, page
from localdev.graph.schema import MAIL_FOLDER, MESSAGE
from localdev.graph.selection import shape
from localdev.graph.wire import Entity, GraphError, bad_request

_RECEIVED = "receivedDateTime"
_TICK = timedelta(microseconds=1)


def messages(asked: Asked) -> Page:
    """Messages of all folders, Deleted Items and Junk among them; the newest first unless told otherwise."""
    return _messages(asked, None)


def folder_messages(asked: Asked) -> Page:
    folder = _mailbox(asked).folder(asked.names["mailFolder-id"])
    return _messages(asked, folder["id"])


def message(asked: Asked) -> Entity:
    found = _mailbox(asked).message(asked.names["message-id"])
    look = shape(asked.call, MESSAGE, basic=_basic_only(asked), keep_id=True)
    return {"@odata.context": asked.context("users('')/messages/$entity"), **look(found)}


def folders(asked: Asked) -> Page:
    """The folders right below the root."""
    root = _mailbox(asked).folder("msgfolderroot")
    return _folders(asked, _mailbox(asked).child_folders(root["id"], _shows_hidden(asked)))


def child_folders(asked: Asked) -> Page:
    parent = _mailbox(asked).folder(asked.names["mailFolder-id"])
    return _folders(asked, _mailbox(asked).child_folders(parent["id"], _shows_hidden(asked)))


def folder(asked: Asked) -> Entity:
    found = _mailbox(asked).folder(asked.names["mailFolder-id"])
    look = shape(asked.call, MAIL_FOLDER, keep_id=True)
    return {"@odata.context": asked.context("users('')/mailFolders/$entity"), **look(_counted(asked, [found])[0])}


def folder_delta(asked: Asked) -> dict[str, object]:
    """All folders on the first round, in pages of `Prefer: odata.maxpagesize`; nothing new on a later one."""
    call, links = asked.call, asked.emulator.links
    rest = {name: value for name, value in call.query.items() if name not in ("$skiptoken", "$deltatoken")}
    known = links.position(call, "$deltatoken") is not None
    start = links.position(call, "$skiptoken") or 0
    preferred = call.prefers("odata.maxpagesize") or ""
    size = int(preferred) if preferred.isdecimal() and int(preferred) else MAIL.default
    found = [] if known else _counted(asked, _mailbox(asked).folders)
    look = shape(call, MAIL_FOLDER, keep_id=True)
    body: dict[str, object] = {
        "@odata.context": asked.context("Collection(mailFolder)"),
        "value": [look(each) for each in found[start : start + size]],
    }
    last = start + size >= len(found)
    option, name = ("$deltatoken", "@odata.deltaLink") if last else ("$skiptoken", "@odata.nextLink")
    body[name] = call.link({**rest, option: links.token(call, rest, start + size)})
    return body


def ordering(asked: Asked, node: filters.Node | None) -> tuple[str, bool]:
    """The property to sort by and whether downwards; GraphError 400 unless `$filter` names it first, too."""
    text = asked.call.query.get("$orderby")
    if text is None:
        return "", False
    named = [part.split() for part in text.split(",")]
    if any(not words or words[1:] not in ([], ["asc"], ["desc"]) for words in named):
        raise bad_request(f"Invalid $orderby: {text!r}.")
    if node is not None:
        first = list(dict.fromkeys(filters.paths(node)))[: len(named)]
        if first != [words[0] for words in named]:
            message = "The restriction or sort order is too complex for this operation."
            raise bad_request(message, "InefficientFilter")
    if len(named) > 1:
        raise GraphError(501, "NotImplemented", "The emulator sorts by one property.")
    return named[0][0], named[0][1:] == ["desc"]


def _messages(asked: Asked, folder_id: str | None) -> Page:
    found = _found(asked, folder_id)
    look = shape(asked.call, MESSAGE, basic=_basic_only(asked), keep_id=True)
    counted = asked.call.query.get("$count") == "true"
    result = page(asked.emulator.links, asked.call, found, MAIL, asked.context("users('')/messages"), counted)
    result.items = [_tagged(look(each)) for each in result.items]
    asked.emulator.stats.messages_given += len(result.items)
    return result


def _found(asked: Asked, folder_id: str | None) -> list[Entity]:
    query = asked.call.query
    node = filters.parse(query["$filter"]) if "$filter" in query else None
    if node is not None:
        filters.known(node, frozenset(MESSAGE.properties), MESSAGE.name)
    order, downwards = ordering(asked, node)
    first, end, rest = _window(node)
    found = _mailbox(asked).received_between(first, end)
    if rest:
        found = [each for each in found if all(filters.holds(condition, each) for condition in rest)]
    if folder_id is not None:
        found = [each for each in found if each.get("parentFolderId") == folder_id]
    if order and order != _RECEIVED:
        return sorted(found, key=lambda each: str(each.get(order) or ""), reverse=downwards)
    return found[::-1] if downwards or not order else found


def _window(node: filters.Node | None) -> tuple[datetime | None, datetime | None, list[filters.Node]]:
    """A filter taken apart: the half-open time of receipt it asks for, and what else must hold."""
    first: datetime | None = None
    end: datetime | None = None
    rest: list[filters.Node] = []
    conditions = node.conditions if isinstance(node, Joined) and node.operator == "and" else (node,) if node else ()
    for condition in conditions:
        match condition:
            case Comparison(path="receivedDateTime", operator="ge" | "gt" as operator, value=datetime() as value):
                low = value + _TICK if operator == "gt" else value
                first = low if first is None else max(first, low)
            case Comparison(path="receivedDateTime", operator="lt" | "le" as operator, value=datetime() as value):
                high = value + _TICK if operator == "le" else value
                end = high if end is None else min(end, high)
            case _:
                rest.append(condition)
    return first, end, rest


def _tagged(message: Entity) -> Entity:
    message["@odata.etag"] = f'W/"{message["id"]}"'
    return message


def _folders(asked: Asked, found: list[Entity]) -> Page:
    look = shape(asked.call, MAIL_FOLDER, keep_id=True)
    counted = asked.call.query.get("$count") == "true"
    result = page(asked.emulator.links, asked.call, found, MAIL, asked.context("users('')/mailFolders"), counted)
    result.items = [look(each) for each in _counted(asked, result.items)]
    return result


def _counted(asked: Asked, found: list[Entity]) -> list[Entity]:
    """Folders with the numbers of their items and child folders, which no tenant file holds."""
    items, children = _mailbox(asked).folder_counts()
    return [{**each, "totalItemCount": items[each["id"]], "childFolderCount": children[each["id"]]} for each in found]


def _shows_hidden(asked: Asked) -> bool:
    return asked.call.query.get("includeHiddenFolders", "").lower() == "true"


def _mailbox(asked: Asked) -> Mailbox:
    assert asked.user is not None
    return asked.emulator.tenant.mailbox(asked.user["id"])


def _basic_only(asked: Asked) -> bool:
    """Whether neither a role nor the scope of the mailbox opens what ReadBasic withholds."""
    assert asked.user is not None
    scoped = asked.emulator.scope.opens(asked.user["id"], mail=True)
    return not scoped and asked.roles.isdisjoint(("Mail.Read", "Mail.ReadWrite"))
