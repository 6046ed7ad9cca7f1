"""What exists: every function of the app is registered here, and nothing else happens."""

import azure.durable_functions as df

from activities import (
    aggregate_bucket,
    begin_erasure,
    check_consent,
    close_run,
    end_erasure,
    extract_mailbox,
    join_items,
    partition_copies,
    publish_results,
    resolve_people,
)
from orchestrators import await_consent, carry_out_erasure, enrichment_run, extract_group
from triggers import (
    consent,
    customers,
    enrichments,
    erasures,
    health,
    openapi,
    pages,
    preview,
    rerun_timer,
    results,
    runs,
    segments,
)

app = df.DFApp()

for part in (
    consent,
    customers,
    enrichments,
    erasures,
    health,
    openapi,
    pages,
    preview,
    rerun_timer,
    results,
    runs,
    segments,
):
    app.register_functions(part.bp)

for part in (enrichment_run, await_consent, extract_group, carry_out_erasure):
    app.register_functions(part.bp)

for part in (
    check_consent,
    resolve_people,
    extract_mailbox,
    partition_copies,
    join_items,
    aggregate_bucket,
    publish_results,
    close_run,
    begin_erasure,
    end_erasure,
):
    app.register_functions(part.bp)
