-- The verifier reads everything in pages, in the order in which it was chained.

-- name: audit_page   ($1 region, $2 writer, $3 after seq, $4 at most)
SELECT region_id, writer_id, epoch, seq, id, tenant_id, actor_tenant_id, account_id, actor_name, person_id, subject_kind,
       subject_id, action, outcome, request_id, detail::text, (extract(epoch FROM at) * 1000000)::bigint,
       encode(prev_hash, 'hex'), encode(hash, 'hex')
  FROM records.audit
 WHERE region_id = $1::bigint AND writer_id = $2 AND seq > $3::bigint
 ORDER BY seq LIMIT $4::int;

-- name: audit_writers
-- A chain whose writer's row was removed is still a chain: both sides are asked.
SELECT region_id, writer_id, max(audit_seq), max(head) FROM (
    SELECT region_id, writer_id, audit_seq, encode(audit_head, 'hex') AS head FROM records.writers
    UNION ALL
    SELECT DISTINCT region_id, writer_id, -1, '' FROM records.audit) w
 GROUP BY region_id, writer_id ORDER BY region_id, writer_id;

-- name: seal_page   ($1 region, $2 tenant, $3 after seq, $4 at most)
SELECT region_id, tenant_id, seq, (extract(epoch FROM at) * 1000000)::bigint, heads::text, encode(prev_hash, 'hex'),
       encode(hash, 'hex'), encode(public_key, 'hex'), encode(signature, 'hex')
  FROM records.audit_seals
 WHERE region_id = $1::bigint AND tenant_id = $2::bigint AND seq > $3::bigint
 ORDER BY seq LIMIT $4::int;

-- name: seal_tenants
SELECT DISTINCT region_id, tenant_id FROM records.audit_seals ORDER BY 1, 2;

-- name: seal_gone   ($1 region, $2 tenant)
-- The first sealed head that the trail no longer holds: with the rest of the tenant's rows up to it, or with that hash.
SELECT s.seq, h.writer, h.seq
  FROM records.audit_seals s, json_to_recordset(s.heads) AS h (writer text, seq bigint, hash text)
 WHERE s.region_id = $1::bigint AND s.tenant_id = $2::bigint
   AND NOT EXISTS (SELECT 1 FROM records.audit a WHERE a.region_id = s.region_id AND a.writer_id = h.writer AND a.seq = h.seq
                      AND a.tenant_id = s.tenant_id AND encode(a.hash, 'hex') = h.hash)
 ORDER BY s.seq, h.writer LIMIT 1;

-- name: seal_miscounted   ($1 region, $2 tenant)
-- The newest seal says how many rows of the tenant each writer had written by then.
SELECT h.writer, h.seq, h.rows, c.n
  FROM (SELECT heads FROM records.audit_seals WHERE region_id = $1::bigint AND tenant_id = $2::bigint ORDER BY seq DESC LIMIT 1) s,
       json_to_recordset(s.heads) AS h (writer text, seq bigint, rows bigint),
       LATERAL (SELECT count(*) AS n FROM records.audit a WHERE a.region_id = $1::bigint AND a.writer_id = h.writer
                   AND a.tenant_id = $2::bigint AND a.seq <= h.seq) c
 WHERE h.rows <> c.n LIMIT 1;
