"""The `state` that goes to Entra and back: signed, bound to enrichment and tenant, good for once and for a while.

`<claims>.<signature>`, both base64url; the claims are JSON. It holds no secret, and nothing but the signature is
believed. That it is used once only is the storage's to say, by its nonce.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class ConsentState:
    """expires: seconds since the epoch."""

    enrichment: str
    tenant: str
    nonce: str
    expires: int


def signing_key(pseudonym_key: bytes) -> bytes:
    """A key for this purpose alone: who learns a signature learns nothing of the hashes in staging."""
    return blake2b(key=pseudonym_key, person=b"consent-state", digest_size=32).digest()


def sign(state: ConsentState, key: bytes) -> str:
    claims = urlsafe_b64encode(json.dumps(asdict(state), separators=(",", ":")).encode()).rstrip(b"=")
    return f"{claims.decode()}.{_signature(claims, key)}"


def verify(text: str, key: bytes) -> ConsentState | None:
    """What was signed with this key; None for anything else. Whether it has expired is for the caller to say."""
    claims, _, signature = text.partition(".")
    if not text.isascii() or not hmac.compare_digest(signature, _signature(claims.encode(), key)):
        return None
    return ConsentState(**json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4))))


def _signature(claims: bytes, key: bytes) -> str:
    return urlsafe_b64encode(hmac.digest(key, claims, "sha256")).rstrip(b"=").decode()
