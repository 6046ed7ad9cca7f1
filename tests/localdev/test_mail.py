"""The mail catcher takes every mail, keeps it as a file, and shows it."""

import asyncio
import contextlib
import smtplib
from email.message import EmailMessage

import aiohttp
import pytest

from localdev.mail import Catcher, page, read, serve


@pytest.fixture
async def addresses(tmp_path, capsys):
    """Where the catcher takes mails and where it shows them."""
    stopped = asyncio.Event()
    task = asyncio.create_task(serve(Catcher(tmp_path / "mails"), 0, 0, stopped))
    said = ""
    while "shown" not in said:
        await asyncio.sleep(0.01)
        said += capsys.readouterr().out
    taken, shown = (line.rpartition("://")[2] for line in said.splitlines())
    yield taken, f"http://{shown}/"
    stopped.set()
    await task


def mail(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "app@serra.example", "it@serra.example", subject
    message.set_content("Obriu l'enllaç: https://login.example/?a=1&b=2")
    return message


def send(address: str, *messages: EmailMessage) -> None:
    host, _, port = address.partition(":")
    with smtplib.SMTP(host, int(port)) as smtp:
        for message in messages:
            smtp.send_message(message)


async def test_a_mail_is_kept_whole_and_shown_on_the_page_newest_first(addresses, tmp_path):
    taken, shown = addresses

    await asyncio.to_thread(send, taken, mail("First"), mail("Second <b>"))
    async with aiohttp.ClientSession() as session, session.get(shown) as answer:
        text = await answer.text()

    kept = sorted((tmp_path / "mails").glob("*.eml"))
    assert [read(path)["Subject"] for path in kept] == ["First", "Second <b>"]
    assert read(kept[0]).get_content().strip() == "Obriu l'enllaç: https://login.example/?a=1&b=2"
    assert text.index("Second &lt;b&gt;") < text.index("First")


def test_the_page_says_so_where_there_is_no_mail(tmp_path):
    assert "None yet." in page(Catcher(tmp_path))


async def test_its_ports_are_free_again_when_it_has_stopped(tmp_path, capsys):
    stopped = asyncio.Event()
    stopped.set()

    await serve(Catcher(tmp_path), 0, 0, stopped)

    taken = capsys.readouterr().out.splitlines()[0].rpartition(":")[2]
    with contextlib.closing(await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", int(taken))) as server:
        assert server.is_serving()
