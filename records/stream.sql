-- A writer's lines. Every statement names the region; the writer's row is locked by whoever appends.

-- name: stream_open   ($1 region, $2 writer, $3 epoch or 0)
-- Begin a life of this writer. An epoch that is not higher than the last one changes nothing and answers nothing.
INSERT INTO records.writers AS w (region_id, writer_id, epoch, audit_head)
VALUES ($1::bigint, $2, greatest($3::bigint, 1), decode(repeat('00', 32), 'hex'))
ON CONFLICT (region_id, writer_id) DO UPDATE
   SET epoch = CASE WHEN $3::bigint > 0 THEN $3::bigint ELSE w.epoch + 1 END
 WHERE $3::bigint = 0 OR w.epoch < $3::bigint
RETURNING epoch, event_seq, audit_seq, encode(audit_head, 'hex');

-- name: stream_lock   ($1 region, $2 writer, $3 epoch)
SELECT epoch, event_seq, audit_seq, encode(audit_head, 'hex') FROM records.writers
 WHERE region_id = $1::bigint AND writer_id = $2 AND epoch = $3::bigint FOR UPDATE;

-- name: stream_write   ($1 region, $2 writer, $3 epoch, $4 last event, $5 last audit, $6 new event, $7 new audit, $8 new head, $9 events, $10 audit rows)
-- One statement for all rows of a transaction. It answers one row when the writer is still who it was; none means: roll back.
WITH w AS (
    UPDATE records.writers SET event_seq = $6::bigint, audit_seq = $7::bigint, audit_head = decode($8, 'hex')
     WHERE region_id = $1::bigint AND writer_id = $2 AND epoch = $3::bigint AND event_seq = $4::bigint AND audit_seq = $5::bigint
    RETURNING region_id, writer_id, epoch
), e AS (
    INSERT INTO records.events (region_id, writer_id, epoch, seq, tenant_id, at, topic, subject_id, to_tenants, to_accounts,
                                to_roles, data)
    SELECT w.region_id, w.writer_id, w.epoch, r.seq, r.tenant_id, r.at, r.topic, r.subject_id, r.to_tenants, r.to_accounts,
           r.to_roles, r.data::json
      FROM w, json_to_recordset($9::json) AS r (seq bigint, tenant_id bigint, at timestamptz, topic text, subject_id bigint,
           to_tenants bigint[], to_accounts bigint[], to_roles int, data text)
)
, a AS (
    INSERT INTO records.audit (region_id, writer_id, epoch, seq, id, tenant_id, actor_tenant_id, account_id, actor_name,
                               person_id, subject_kind, subject_id, action, outcome, request_id, detail, at, prev_hash, hash)
    SELECT w.region_id, w.writer_id, w.epoch, r.seq, r.id, r.tenant_id, r.actor_tenant_id, r.account_id, r.actor_name,
           r.person_id, r.subject_kind, r.subject_id, r.action, r.outcome, r.request_id, r.detail::json, r.at,
           decode(r.prev_hash, 'hex'), decode(r.hash, 'hex')
      FROM w, json_to_recordset($10::json) AS r (seq bigint, id bigint, tenant_id bigint, actor_tenant_id bigint,
           account_id bigint, actor_name text, person_id bigint, subject_kind text, subject_id bigint, action text, outcome text,
           request_id text, detail text, at timestamptz, prev_hash text, hash text)
)
SELECT epoch FROM w;

-- name: events_after   ($1 region, $2 writer, $3 after seq, $4 at most)
-- What a subscriber missed.
SELECT seq, topic, array_to_string(to_tenants, ','), array_to_string(to_accounts, ','), to_roles, data::text
  FROM records.events
 WHERE region_id = $1::bigint AND writer_id = $2 AND seq > $3::bigint
 ORDER BY seq LIMIT $4::int;
