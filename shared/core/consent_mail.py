"""The mail that asks administrators for consent: the same in English, Catalan and Spanish, as text and as HTML."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from html import escape

SUBJECT = "Consent needed · Cal el vostre consentiment · Se necesita su consentimiento: {title}"

_ELSEWHERE = "[Català més avall · Español más abajo]"
_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail before it has a sender; both bodies say the same."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class _Words:
    """What the mail says in one language. button: the words of the link where it can be hidden behind some."""

    language: str
    heading: str
    about: str
    never: str
    how: str
    button: str
    until: str


_ENGLISH = _Words(
    "en",
    "Account engagement: consent is needed for the enrichment “{title}”.",
    "Somebody in your organization has set up Account engagement. It counts emails and meetings between the people "
    "they listed and your customers. It reads who wrote to whom and when, and who met and when.",
    "It never reads subjects, message texts, attachments or places.",
    "To consent, an administrator of your tenant opens this link and accepts what is asked:",
    "Review and accept",
    "The link works once, until {until} (UTC). If you decline, nothing is read.",
)
_CATALAN = _Words(
    "ca",
    "Interacció amb el compte: cal el consentiment per a l'enriquiment «{title}».",
    "Algú de la vostra organització ha configurat la interacció amb el compte. Compta els correus electrònics i les "
    "reunions entre les persones que ha indicat i els vostres clients. Llegeix qui ha escrit a qui i quan, i qui s'ha "
    "reunit i quan.",
    "No llegeix mai assumptes, textos de missatges, fitxers adjunts ni llocs.",
    "Per donar el consentiment, un administrador del vostre inquilí obre aquest enllaç i accepta el que s'hi demana:",
    "Reviseu-ho i accepteu-ho",
    "L'enllaç funciona una sola vegada, fins al {until} (UTC). Si el rebutgeu, no es llegeix res.",
)
_SPANISH = _Words(
    "es",
    "Interacción con la cuenta: se necesita el consentimiento para el enriquecimiento «{title}».",
    "Alguien de su organización ha configurado la interacción con la cuenta. Cuenta los correos electrónicos y las "
    "reuniones entre las personas que ha indicado y sus clientes. Lee quién ha escrito a quién y cuándo, y quién se ha "
    "reunido y cuándo.",
    "No lee nunca asuntos, textos de mensajes, archivos adjuntos ni lugares.",
    "Para dar el consentimiento, un administrador de su inquilino abre este enlace y acepta lo que se pide:",
    "Revisar y aceptar",
    "El enlace funciona una sola vez, hasta el {until} (UTC). Si lo rechaza, no se lee nada.",
)
_LANGUAGES = (_ENGLISH, _CATALAN, _SPANISH)

# Nothing from elsewhere: mail programs would not load it, or tell by it that the mail was opened.
_PAGE = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{subject}</title></head>
<body style="font:16px/1.5 'Segoe UI',Arial,sans-serif;color:#242424;max-width:40em;margin:0 auto;padding:16px">
<p style="color:#616161">{elsewhere}</p>
{sections}
</body>
</html>
"""
_SECTION = """\
<section lang="{language}" style="border-top:1px solid #d1d1d1;padding:8px 0">
<h1 style="font-size:20px">{heading}</h1>
<p>{about} <strong>{never}</strong></p>
<p>{how}</p>
<p><a href="{url}" style="display:inline-block;padding:8px 16px;background:#0f6cbd;color:#ffffff">{button}</a></p>
<p>{until}</p>
</section>"""


def write(title: str, url: str, until: str) -> Letter:
    """`title`: what the enrichment is called · `until`: the day and time at which the link ends, as it is shown."""
    subject = SUBJECT.format(title=title)
    text = "\n---\n\n".join(_text(words, title, url, until) for words in _LANGUAGES)
    sections = "\n".join(_section(words, title, url, until) for words in _LANGUAGES)
    page = _PAGE.format(subject=escape(subject), elsewhere=escape(_ELSEWHERE), sections=sections)
    return Letter(subject, f"{_ELSEWHERE}\n\n{text}", page)


def _text(words: _Words, title: str, url: str, until: str) -> str:
    paragraphs = [f"{words.about} {words.never}", words.how]
    wrapped = [textwrap.fill(paragraph, _WIDTH) for paragraph in paragraphs]
    return "\n\n".join([words.heading.format(title=title), *wrapped, url, words.until.format(until=until)]) + "\n"


def _section(words: _Words, title: str, url: str, until: str) -> str:
    return _SECTION.format(
        language=words.language,
        heading=escape(words.heading).format(title=escape(title)),
        about=escape(words.about),
        never=escape(words.never),
        how=escape(words.how),
        url=escape(url),
        button=escape(words.button),
        until=escape(words.until).format(until=escape(until)),
    )
