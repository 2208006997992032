-- The sealer's questions; see seal.h.

-- name: seal_through   ($1 region)
-- How far each writer was sealed: the newest seal of every tenant knows.
SELECT h.writer, max(h.seq)
  FROM (SELECT DISTINCT ON (tenant_id) heads FROM records.audit_seals WHERE region_id = $1::bigint
         ORDER BY tenant_id, seq DESC) s,
       json_to_recordset(s.heads) AS h (writer text, seq bigint)
 GROUP BY h.writer;

-- name: seal_new_rows   ($1 region, $2 sealed so far: [{"writer","seq"}])
-- What each tenant got since, by writer; the join runs along audit_seq_once and reads new rows only.
SELECT a.tenant_id, a.writer_id, max(a.seq), encode((array_agg(a.hash ORDER BY a.seq DESC))[1], 'hex'), count(*)
  FROM records.writers w
  LEFT JOIN json_to_recordset($2::json) AS s (writer text, seq bigint) ON s.writer = w.writer_id
  JOIN records.audit a ON a.region_id = w.region_id AND a.writer_id = w.writer_id AND a.seq > coalesce(s.seq, 0)
 WHERE w.region_id = $1::bigint
 GROUP BY a.tenant_id, a.writer_id
 ORDER BY a.tenant_id, a.writer_id;

-- name: seal_last   ($1 region, $2 tenants[])
SELECT DISTINCT ON (tenant_id) tenant_id, seq, encode(hash, 'hex'), heads::text
  FROM records.audit_seals WHERE region_id = $1::bigint AND tenant_id = ANY ($2::bigint[])
 ORDER BY tenant_id, seq DESC;

-- name: seal_insert   ($1 region, $2 rows)
INSERT INTO records.audit_seals (region_id, tenant_id, seq, at, heads, prev_hash, hash, public_key, signature)
SELECT $1::bigint, r.tenant_id, r.seq, r.at, r.heads::json, decode(r.prev_hash, 'hex'), decode(r.hash, 'hex'),
       decode(r.public_key, 'hex'), decode(r.signature, 'hex')
  FROM json_to_recordset($2::json) AS r (tenant_id bigint, seq bigint, at timestamptz, heads text, prev_hash text, hash text,
       public_key text, signature text);
