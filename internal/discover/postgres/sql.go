package postgres

// Every statement names what it uses with its schema, so that the login's search_path means nothing, and none touches
// a table itself: all is read from PostgreSQL's own catalogs, for all tables at once.

const aboutServer = `
SELECT pg_catalog.current_database()::pg_catalog.text, pg_catalog.pg_is_in_recovery(),
  pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')`

// relations are those that match ($1, $2: patterns of schemas and tables; $3, $4: of those to leave out; $5: kinds),
// with what they and the partitions and tables below them occupy. Of a relation that is being written anew the size
// would make the statement wait, so it is what the last VACUUM counted.
const relations = `
WITH RECURSIVE rewritten (oid) AS (
  SELECT DISTINCT relation FROM pg_catalog.pg_locks
  WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND relation IS NOT NULL
), chosen AS (
  SELECT c.oid, n.oid AS schema, n.nspname, c.relname, c.relkind, c.relispopulated
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind::pg_catalog.text = ANY ($5) AND c.relpersistence <> 't'
    AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) AS p (s, t)
      WHERE n.nspname ~ p.s AND c.relname ~ p.t)
    AND NOT EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest($3::pg_catalog.text[]), pg_catalog.unnest($4::pg_catalog.text[])) AS p (s, t)
      WHERE n.nspname ~ p.s AND c.relname ~ p.t)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
), tree (root, oid) AS (
  SELECT oid, oid FROM chosen
  UNION
  SELECT tree.root, i.inhrelid FROM tree JOIN pg_catalog.pg_inherits AS i ON i.inhparent = tree.oid
), sizes AS (
  SELECT tree.root, pg_catalog.count(*) - 1 AS below,
    pg_catalog.sum(CASE WHEN c.relkind NOT IN ('r', 'm') THEN 0
      WHEN c.oid IN (SELECT oid FROM rewritten) THEN c.relpages * pg_catalog.current_setting('block_size')::pg_catalog.int8
      ELSE coalesce(pg_catalog.pg_table_size(c.oid), 0) END)::pg_catalog.int8 AS bytes,
    CASE WHEN pg_catalog.bool_or(c.relkind IN ('r', 'm') AND (c.reltuples < 0 OR c.relpages = 0)) THEN -1
      ELSE pg_catalog.sum(greatest(c.reltuples, 0))::pg_catalog.int8 END AS rows
  FROM tree JOIN pg_catalog.pg_class AS c ON c.oid = tree.oid GROUP BY tree.root
)
SELECT chosen.oid, chosen.nspname::pg_catalog.text, chosen.relname::pg_catalog.text, chosen.relkind::pg_catalog.text,
  sizes.bytes, sizes.rows, sizes.below,
  pg_catalog.has_schema_privilege(chosen.schema, 'USAGE'),
  pg_catalog.has_table_privilege(chosen.oid, 'SELECT'),
  pg_catalog.row_security_active(chosen.oid),
  chosen.oid IN (SELECT oid FROM rewritten), chosen.relispopulated,
  ARRAY (SELECT inhparent FROM pg_catalog.pg_inherits WHERE inhrelid = chosen.oid)
FROM chosen JOIN sizes ON sizes.root = chosen.oid
ORDER BY chosen.nspname COLLATE "C", chosen.relname COLLATE "C"`

// columns are those of the relations $1. The defaults of $2 are read; of others that would wait for a lock.
const columns = `
SELECT a.attrelid, a.attnum, a.attname::pg_catalog.text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.atttypid,
  a.atttypmod, a.attndims::pg_catalog.int4, a.attnotnull, pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
  CASE WHEN a.attrelid = ANY ($2) THEN coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') ELSE '' END
FROM pg_catalog.pg_attribute AS a
LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum`

// types are all that the columns of the relations $1 are made of.
const types = `
WITH RECURSIVE closure (oid) AS (
  SELECT DISTINCT atttypid FROM pg_catalog.pg_attribute WHERE attrelid = ANY ($1) AND attnum > 0 AND NOT attisdropped
  UNION
  SELECT part FROM closure JOIN pg_catalog.pg_type USING (oid)
  CROSS JOIN LATERAL (VALUES (typbasetype), (typelem)) AS parts (part) WHERE part <> 0
)
SELECT t.oid, t.typname::pg_catalog.text, n.nspname = 'pg_catalog', t.typtype::pg_catalog.text, t.typbasetype, t.typtypmod,
  t.typelem, t.typarray
FROM closure JOIN pg_catalog.pg_type AS t USING (oid) JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace`

const indexes = `
SELECT i.indrelid, c.relname::pg_catalog.text, m.amname::pg_catalog.text, i.indisprimary,
  i.indisunique AND i.indimmediate, i.indkey::pg_catalog.int2[], i.indnkeyatts::pg_catalog.int4
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
WHERE i.indrelid = ANY ($1) AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
ORDER BY i.indrelid, c.relname COLLATE "C"`

// triggers are those that may set a column before a row is updated (tgtype: 1 for each row, 2 before, 16 update).
const triggers = `
SELECT t.tgrelid, t.tgname::pg_catalog.text, t.tgqual IS NOT NULL OR t.tgattr::pg_catalog.text <> '',
  pg_catalog.encode(t.tgargs, 'hex'), t.tgfoid
FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = ANY ($1) AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND (t.tgtype & 19) = 19
ORDER BY t.tgrelid, t.tgname COLLATE "C"`

const functions = `
SELECT p.oid, p.proname::pg_catalog.text, p.prosrc FROM pg_catalog.pg_proc AS p WHERE p.oid = ANY ($1)`

// statistics are what ANALYZE saw of columns ($1, $2, $3: schemas, tables, columns): the share of NULLs, whether there
// are values that no Parquet type holds, and whether there are arrays of several dimensions or not from 1. (An array
// is quoted there, and a quote inside it comes after a backslash.) Of tables with others below them both kinds are kept.
const statistics = `
SELECT s.schemaname::pg_catalog.text, s.tablename::pg_catalog.text, s.attname::pg_catalog.text, s.null_frac::pg_catalog.float8,
  v.shown ~ '(infinity|NaN| BC|[0-9]{5,}-[0-9]{2}-[0-9]{2})', v.shown ~ '[{,]"([{][{]|\[-?[0-9]+:)'
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[]), pg_catalog.unnest($3::pg_catalog.text[])) AS w (s, t, c)
JOIN pg_catalog.pg_stats AS s ON s.schemaname = w.s AND s.tablename = w.t AND s.attname = w.c
CROSS JOIN LATERAL (SELECT coalesce(s.most_common_vals::pg_catalog.text, '') || ' ' || coalesce(s.histogram_bounds::pg_catalog.text, '') AS shown OFFSET 0) AS v`

// listed are which of the tables $1, $2 exist, whatever their kind, and their columns.
const listed = `
SELECT w.n::pg_catalog.int4, c.oid IS NOT NULL, ARRAY (SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute AS a
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) WITH ORDINALITY AS w (s, t, n)
LEFT JOIN (pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace)
  ON n.nspname = w.s AND c.relname = w.t AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY w.n`

const schemas = `
SELECT n.nspname::pg_catalog.text FROM pg_catalog.pg_namespace AS n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY n.nspname COLLATE "C"`
