"""Figures again, by SQL in DuckDB and by pandas, over thirty thousand items of a made-up organisation."""

from __future__ import annotations

from bench import aggregation, peers, synthetic
from shared.core.contracts import Spread


def test_the_kernels_agree_with_sql_and_with_pandas(tmp_path):
    """§3–§6: counts, distinct people and contacts, days, means and replies of all three levels."""
    spread = Spread(partitions=3, buckets=2, per_call=2)
    svc = aggregation.services_of(tmp_path)
    synthetic.write_everything(svc, synthetic.Size(messages=27_000, meetings=3_000, accounts=80, spread=spread))
    aggregation.join(svc, spread)
    aggregation.aggregate(svc, spread)

    for by in (peers.by_duckdb, peers.by_pandas):
        peers.check(svc, by(tmp_path), spread)
