"""The tables that are landed: one of fifteen columns of all kinds, one of five."""

from __future__ import annotations

TABLES = {
    "mixed": """
        SELECT n::bigint AS id, (n % 1000)::int AS customer_id, (n % 7)::smallint AS status, n % 3 = 0 AS paid,
          (n * 1.37 % 100000)::numeric(12,2) AS amount, (n * 0.7310585786)::double precision AS score,
          md5(n::text)::uuid AS ref, 'customer ' || (n % 100000) AS name,
          CASE WHEN n % 5 > 0 THEN repeat(md5((n % 5000)::text), 1 + n % 3) END AS note,
          date '2015-01-01' + (n % 3650)::int AS ordered_on,
          timestamp '2020-01-01' + n * interval '1 second' AS shipped_at,
          timestamptz '2020-01-01 00:00+00' + n * interval '1.7 second' AS updated_at,
          jsonb_build_object('a', n % 100, 'b', md5((n % 1000)::text)) AS attributes,
          decode(md5(n::text), 'hex') AS payload, 'tag ' || n % 10 || ',tag ' || n % 20 AS tags
        FROM generate_series(1, {rows}) AS n""",
    "narrow": """
        SELECT n::bigint AS id, (n % 100)::int AS kind, (n * 0.37)::double precision AS value, 'v' || n % 1000 AS label,
          timestamptz '2020-01-01 00:00+00' + n * interval '1 second' AS updated_at
        FROM generate_series(1, {rows}) AS n""",
}
"""Query by table; {rows} stands for how many."""

# ConnectorX knows neither jsonb nor uuid nor bytea by every name; texts are what the others make of them, too.
TEXTS = {"ref": "ref::text AS ref", "attributes": "attributes::text AS attributes"}
