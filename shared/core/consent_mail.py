"""The mail that asks administrators for consent: one text in English, Catalan and Spanish."""

from __future__ import annotations

SUBJECT = "Consent needed · Cal el vostre consentiment · Se necesita su consentimiento: {title}"

_TEXT = """\
[Català més avall · Español más abajo]

Account engagement: consent is needed for the enrichment “{title}”.

Somebody in your organization has set up Account engagement. It counts emails and meetings between the people they
listed and your customers. It reads who wrote to whom and when, and who met and when. It never reads subjects, message
texts, attachments or places.

To consent, an administrator of your tenant opens this link and accepts what is asked:

{url}

The link works once, until {until} (UTC). If you decline, nothing is read.

---

Interacció amb el compte: cal el consentiment per a l'enriquiment «{title}».

Algú de la vostra organització ha configurat la interacció amb el compte. Compta els correus electrònics i les reunions
entre les persones que ha indicat i els vostres clients. Llegeix qui ha escrit a qui i quan, i qui s'ha reunit i quan.
No llegeix mai assumptes, textos de missatges, fitxers adjunts ni llocs.

Per donar el consentiment, un administrador del vostre inquilí obre aquest enllaç i accepta el que s'hi demana:

{url}

L'enllaç funciona una sola vegada, fins al {until} (UTC). Si el rebutgeu, no es llegeix res.

---

Interacción con la cuenta: se necesita el consentimiento para el enriquecimiento «{title}».

Alguien de su organización ha configurado la interacción con la cuenta. Cuenta los correos electrónicos y las reuniones
entre las personas que ha indicado y sus clientes. Lee quién ha escrito a quién y cuándo, y quién se ha reunido y
cuándo. No lee nunca asuntos, textos de mensajes, archivos adjuntos ni lugares.

Para dar el consentimiento, un administrador de su inquilino abre este enlace y acepta lo que se pide:

{url}

El enlace funciona una sola vez, hasta el {until} (UTC). Si lo rechaza, no se lee nada.
"""


def write(title: str, url: str, until: str) -> tuple[str, str]:
    """(subject, text). `until`: the day and time at which the link ends, as it is to be shown."""
    return SUBJECT.format(title=title), _TEXT.format(title=title, url=url, until=until)
