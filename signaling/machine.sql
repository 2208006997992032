-- machine.sql: from a room's word to its visit.

-- name: visit_by_room   ($1 region, $2 room)
SELECT id FROM records.visits WHERE region_id = $1::bigint AND room_id = $2

-- name: machine_insert   ($1 region, $2 id, $3 tenant, $4 room, $5 peer, $6 direction, $7 account, $8 etag)
-- A row of the same name that was never ended (its writer died) makes room first.
WITH old AS (
    UPDATE signaling.machine_peers SET ended_at = now()
     WHERE region_id = $1::bigint AND room_id = $4 AND peer = $5 AND ended_at IS NULL
    RETURNING 1)
INSERT INTO signaling.machine_peers (region_id, id, tenant_id, room_id, peer, direction, account_id, etag, created_at)
SELECT $1::bigint, $2::bigint, $3::bigint, $4, $5, $6, $7::bigint, $8, now() FROM (SELECT count(*) FROM old) AS ended

-- name: machine_etag   ($1 region, $2 id, $3 etag)
UPDATE signaling.machine_peers SET etag = $3 WHERE region_id = $1::bigint AND id = $2::bigint AND ended_at IS NULL

-- name: machine_end   ($1 region, $2 id)
UPDATE signaling.machine_peers SET ended_at = now() WHERE region_id = $1::bigint AND id = $2::bigint AND ended_at IS NULL

-- name: machine_list   ($1 region, $2 room)
SELECT id, peer, direction, account_id, etag FROM signaling.machine_peers
 WHERE region_id = $1::bigint AND room_id = $2 AND ended_at IS NULL

-- name: machine_room   ($1 region, $2 id, $3 room, $4 account)
-- Whose session this is, while its room is open.
SELECT r.tenant_id, r.visit_id
  FROM signaling.machine_peers m
  JOIN signaling.rooms r ON r.region_id = m.region_id AND r.room_id = m.room_id AND r.state = 'open'
 WHERE m.region_id = $1::bigint AND m.id = $2::bigint AND m.room_id = $3 AND m.account_id = $4::bigint
   AND m.ended_at IS NULL
