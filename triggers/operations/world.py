"""What is open to anybody: the callback of the consent page, health, this description, the pages (interfaces §1)."""

from __future__ import annotations

from shared.core.answer_shapes import Health, Illness
from triggers.http import Access
from triggers.operations.operation import JSON, PROBLEM, Answer, Operation, Parameter, ok, query

TEXT = {"type": "string"}
ERROR: Parameter = query("error", TEXT, "Where the administrator has declined.")

OPERATIONS = (
    Operation(
        "consent_callback",
        "GET",
        "api/consent/callback",
        Access.ANYBODY,
        "Where Entra sends the administrator back to.",
        {303: Answer("On to the enrichment's page, declined too.", headers={"Location": "The page."})},
        {
            400: "`state` is forged, expired or used, or the answer comes from another tenant.",
            404: "The enrichment is gone.",
        },
        (
            query("state", TEXT, "As the link had it; good for once."),
            query("tenant", TEXT, "The tenant that has agreed."),
            query("admin_consent", TEXT, "What Entra says of the outcome; it proves nothing."),
            ERROR,
        ),
    ),
    Operation(
        "health_get",
        "GET",
        "api/health",
        Access.ANYBODY,
        "Whether settings are whole, storage and the token endpoint answer, and the keys of erasures are known.",
        {200: ok(Health, "Healthy.")},
        {503: Answer("Not healthy; `checks` says what is wrong.", {PROBLEM: Illness})},
    ),
    Operation(
        "openapi_get",
        "GET",
        "api/openapi.json",
        Access.ANYBODY,
        "This description.",
        {200: Answer("OpenAPI 3.1.", {JSON: {"type": "object", "required": ["openapi", "info", "paths"]}})},
    ),
    Operation(
        "pages_get",
        "GET",
        "ui/{*path}",
        Access.ANYBODY,
        "The pages: a static shell that holds no data, and its assets.",
        {200: Answer("A page, or one of its files.", {"*/*": TEXT})},
    ),
)
