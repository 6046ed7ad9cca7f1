"""Every blob name, made from the order alone, so that a retry overwrites its own output and nothing else."""

from __future__ import annotations

# enrichment-config


def enrichment(name: str) -> str:
    return f"enrichments/{name}.json"


def output(output: str) -> str:
    """Says which enrichment has this output table."""
    return f"outputs/{output.lower()}.json"


def consent(name: str) -> str:
    return f"consent/{name}.json"


def used_state(nonce: str) -> str:
    """Exists once the callback's `state` with this nonce has been used."""
    return f"consent-used/{nonce}"


ERASURES = "erasures.json"
"""Who has been erased, as keyed hashes, and what became of it."""


def runs(name: str) -> str:
    return f"runs/{name}/"


def run(name: str, run_id: str) -> str:
    return f"runs/{name}/{run_id}.json"


def active(name: str) -> str:
    """Holds the id of the enrichment's active run, while there is one."""
    return f"active/{name}.json"


def reading(name: str) -> str:
    """Holds the id of the run that reads or aggregates: of the active run, or of an erasure's."""
    return f"reading/{name}.json"


def published(name: str) -> str:
    """Exists once a run of the enrichment has published."""
    return f"published/{name}.json"


def schedule(name: str) -> str:
    """Holds the last slot of the enrichment's schedule that was dealt with."""
    return f"schedule/{name}.json"


def history(name: str) -> str:
    """What the enrichment has published so far: a run, its `asOf` and its number of customers each."""
    return f"history/{name}.json"


def segments(name: str) -> str:
    """The enrichment's own segments."""
    return f"segments/{name}.json"


def beside_enrichment(name: str) -> tuple[str, ...]:
    """What is kept of an enrichment beside itself and the records of its runs."""
    return (consent(name), active(name), reading(name), published(name), schedule(name), history(name), segments(name))


# enrichment-staging


def staging_of(name: str) -> str:
    return f"{name}/"


def staging(name: str, run_id: str) -> str:
    return f"{staging_of(name)}{run_id}/"


def plan(name: str, run_id: str, table: str) -> str:
    """`table`: run.json, and Parquet files of people, contacts and customers (`plan_files`)."""
    return f"{staging(name, run_id)}plan/{table}"


def mailboxes(name: str, run_id: str) -> str:
    return f"{staging(name, run_id)}mailboxes/"


def mailbox_part(name: str, run_id: str, mailbox: int, part: int, kind: str) -> str:
    """Facts of one call of extraction. `kind`: messages, meetings or ledger."""
    return f"{mailboxes(name, run_id)}{mailbox:04d}/{part:04d}.{kind}.parquet"


def mailbox_answer(name: str, run_id: str, mailbox: int, part: int) -> str:
    """What the call that filled a part has answered; empty while one is under way."""
    return f"{mailboxes(name, run_id)}{mailbox:04d}/{part:04d}.answer.json"


def progress(name: str, run_id: str) -> str:
    return f"{staging(name, run_id)}progress/"


def mailbox_progress(name: str, run_id: str, mailbox: int) -> str:
    """A marker without content; its metadata say how far the mailbox has come."""
    return f"{progress(name, run_id)}{mailbox:04d}"


def between_stages(name: str, run_id: str) -> tuple[str, ...]:
    """Where one stage of a run leaves facts for the next: of no use once the run has ended."""
    return tuple(f"{staging(name, run_id)}{stage}/" for stage in ("partitions", "buckets", "figures"))


def partitions(name: str, run_id: str, reader: int, group: int, kind: str) -> str:
    """Copies of one group of mailboxes in the partitions of one call that joins."""
    return f"{staging(name, run_id)}partitions/{reader:03d}/{group:03d}.{kind}.arrow"


def buckets(name: str, run_id: str, reader: int, writer: int, kind: str) -> str:
    """Items from one call that joins in the buckets of one call that aggregates."""
    return f"{staging(name, run_id)}buckets/{reader:03d}/{writer:03d}.{kind}.arrow"


def figures(name: str, run_id: str, writer: int, table: str) -> str:
    """What one call that aggregates has found. `table`: accounts or tops."""
    return f"{staging(name, run_id)}figures/{writer:03d}.{table}.arrow"


# enrichment-output


def current(output: str) -> str:
    return f"{output}/current.json"


def results(output: str) -> str:
    """All that was published under this name."""
    return f"{output}/"


def snapshot(output: str, run_id: str) -> str:
    """All that a run has published."""
    return f"{output}/{run_id}/"


def table(output: str, run_id: str, name: str, extension: str) -> str:
    """`extension`: parquet or csv."""
    return f"{output}/{run_id}/{name}.{extension}"


def index(output: str, run_id: str) -> str:
    """One row per known customer: what cards, lists and segments are answered from."""
    return f"{output}/{run_id}/index/customers.parquet"


def latest_rows(output: str, run_id: str) -> str:
    """Rows of the output's table for the Year and for the latest complete month and week."""
    return f"{output}/{run_id}/index/latest.parquet"
