-- The owner's own: lease, time, actors, first answers.

-- name: lease_take   ($1 region, $2 owner, $3 lease in µs)
-- Ours when nobody holds it, when it ran out by the database's clock, or when an earlier life of this same process held it.
INSERT INTO scheduling.shard_lease AS l (region_id, owner, epoch, until)
VALUES ($1::bigint, $2, 1, clock_timestamp() + $3::bigint * interval '1 microsecond')
ON CONFLICT (region_id) DO UPDATE
   SET owner = excluded.owner, epoch = l.epoch + 1, until = excluded.until
 WHERE l.until < clock_timestamp() OR l.owner = excluded.owner
RETURNING epoch, batch;

-- name: lease_renew   ($1 region, $2 epoch, $3 lease in µs)
UPDATE scheduling.shard_lease SET until = clock_timestamp() + $3::bigint * interval '1 microsecond'
 WHERE region_id = $1::bigint AND epoch = $2::bigint
RETURNING batch;

-- name: lease_look   ($1 region)
-- After a connection died in COMMIT: the number tells whether that batch happened. The lock waits for a server process that
-- is still about to finish it; without it we could look too early and do the batch twice.
SELECT epoch, batch FROM scheduling.shard_lease WHERE region_id = $1::bigint FOR UPDATE;

-- name: batch_look   ($1 region, $2 epoch)
-- Time and ownership, without writing.
SELECT batch, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM scheduling.shard_lease
 WHERE region_id = $1::bigint AND epoch = $2::bigint;

-- name: batch_open   ($1 region, $2 epoch, $3 lease in µs)
-- The first write of a batch: whoever would take the lease now waits for our commit, and we fail if he came first.
UPDATE scheduling.shard_lease SET batch = batch + 1, until = clock_timestamp() + $3::bigint * interval '1 microsecond'
 WHERE region_id = $1::bigint AND epoch = $2::bigint
RETURNING batch;

-- name: actors   ($1 region, $2 accounts[])
SELECT a.id, a.tenant_id, a.staff_id, a.person_id, a.name,
       (SELECT string_agg(r.role, ',') FROM records.account_roles r WHERE r.region_id = a.region_id AND r.account_id = a.id),
       o.kind = 'region_platform'
  FROM records.accounts a
  JOIN records.organisations o ON o.region_id = a.region_id AND o.id = a.tenant_id AND o.state = 'active'
 WHERE a.region_id = $1::bigint AND a.id = ANY ($2::bigint[]) AND a.state = 'active';

-- name: idempotency_find   ($1 region, $2 accounts[], $3 ops[], $4 keys[])
SELECT k.rank, encode(i.body_hash, 'hex'), i.result::text
  FROM unnest($2::bigint[], $3::text[], $4::text[]) WITH ORDINALITY AS k (account_id, op, key, rank)
  JOIN scheduling.idempotency i ON i.region_id = $1::bigint AND i.account_id = k.account_id AND i.op = k.op AND i.key = k.key;

-- name: idempotency_insert   ($1 region, $2 now, $3 rows)
INSERT INTO scheduling.idempotency (region_id, account_id, op, key, tenant_id, body_hash, result, at)
SELECT $1::bigint, r.account_id, r.op, r.key, r.tenant_id, decode(r.body_hash, 'hex'), r.result::json, $2::timestamptz
  FROM json_to_recordset($3::json) AS r (account_id bigint, op text, key text, tenant_id bigint, body_hash text, result text);
