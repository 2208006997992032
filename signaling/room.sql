-- room.sql: the lease of a room.

-- name: room_lease   ($1 region, $2 room, $3 tenant, $4 visit, $5 worker, $6 connected workers[], $7 lease s)
-- Taking a room always raises its epoch: commands of whoever held it before are refused by the worker from now on.
-- A room that is still open on a worker we reach stays there, so that media outlive a restart of signald.
INSERT INTO signaling.rooms AS r (region_id, room_id, tenant_id, visit_id, state, worker, epoch, until, opened_at)
VALUES ($1::bigint, $2, $3::bigint, $4::bigint, 'open', $5::int, 1, now() + $7::int * interval '1 second', now())
ON CONFLICT (region_id, room_id) DO UPDATE
   SET epoch = r.epoch + 1, until = excluded.until, state = 'open', closed_at = NULL,
       worker = CASE WHEN r.state = 'open' AND r.worker = ANY ($6::int[]) THEN r.worker ELSE excluded.worker END
 WHERE r.tenant_id = excluded.tenant_id
RETURNING worker, epoch

-- name: room_renew   ($1 region, $2 rooms[], $3 epochs[], $4 lease s)
-- A room that is not in the answer has been taken under a higher epoch.
UPDATE signaling.rooms r
   SET until = now() + $4::int * interval '1 second'
  FROM unnest($2::text[], $3::bigint[]) AS mine(room_id, epoch)
 WHERE r.region_id = $1::bigint AND r.room_id = mine.room_id AND r.epoch = mine.epoch AND r.state = 'open'
RETURNING r.room_id

-- name: room_close   ($1 region, $2 room, $3 epoch)
UPDATE signaling.rooms
   SET state = 'closed', closed_at = now(), until = now()
 WHERE region_id = $1::bigint AND room_id = $2 AND epoch = $3::bigint AND state = 'open'
