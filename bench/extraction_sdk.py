"""The same rows by msgraph-sdk's models, in an environment of its own: `python extraction_sdk.py <url> <pages>`.

Prints CPU seconds per page and the rows as JSON. The SDK reads one model in milliseconds, so few pages are enough.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import extraction_peer

CREDENTIAL_LIFE = 3600


class _Credential:
    def get_token(self, *_scopes: str, **_more: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken("x" * 1500, int(time.time()) + CREDENTIAL_LIFE)


async def read(url: str, pages: int) -> None:
    from msgraph import GraphServiceClient  # type: ignore[import-not-found]
    from msgraph.generated.users.item.messages import messages_request_builder  # type: ignore[import-not-found]

    client = GraphServiceClient(_Credential(), ["https://graph.microsoft.com/.default"])
    client.request_adapter.base_url = f"{url}/v1.0"
    messages: Any = client.users.by_user_id("lean").messages
    known = extraction_peer.contacts()
    builder = messages_request_builder.MessagesRequestBuilder
    query = builder.MessagesRequestBuilderGetQueryParameters(top=1000)
    configuration = builder.MessagesRequestBuilderGetRequestConfiguration(query_parameters=query)
    rows: list[Any] = []
    began = time.process_time()
    page = await messages.get(request_configuration=configuration)
    for number in range(pages):
        rows += [row for one in page.value if (row := extraction_peer.message_row(_plain(one), known)) is not None]
        if number + 1 < pages:
            page = await messages.with_url(page.odata_next_link).get()
    seconds = (time.process_time() - began) / pages
    print(json.dumps([seconds, [[row[0].hex(), row[1].hex(), *row[2:]] for row in rows]]))


def _plain(message: Any) -> dict[str, Any]:
    """The message as its JSON was."""
    return {
        "isDraft": message.is_draft,
        "parentFolderId": message.parent_folder_id,
        "@odata.type": message.odata_type or "",
        "from": _who(message.from_),
        "toRecipients": [_who(who) for who in message.to_recipients],
        "ccRecipients": [_who(who) for who in message.cc_recipients],
        "bccRecipients": [_who(who) for who in message.bcc_recipients],
        "internetMessageId": message.internet_message_id,
        "conversationIndex": base64.b64encode(message.conversation_index).decode(),
        "sentDateTime": message.sent_date_time.isoformat(),
        "receivedDateTime": message.received_date_time.isoformat(),
    }


def _who(recipient: Any) -> dict[str, Any]:
    return {"emailAddress": {"address": recipient.email_address.address}}


if __name__ == "__main__":
    asyncio.run(read(sys.argv[1], int(sys.argv[2])))
