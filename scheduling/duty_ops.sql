-- On and off duty; who is in which seat.

-- name: duty_get   ($1 region, $2 staff)
SELECT on_duty, since FROM scheduling.duty WHERE region_id = $1::bigint AND staff_id = $2::bigint;

-- name: duty_set   ($1 region, $2 epoch, $3 now, $4 staff, $5 on, $6 today)
-- Going on needs a licence valid on the database's day; going off is always possible. No row: refused, or nothing changed.
INSERT INTO scheduling.duty AS d (region_id, staff_id, tenant_id, on_duty, since)
SELECT s.region_id, s.id, s.tenant_id, $5::boolean, $3::timestamptz FROM records.staff s
 WHERE s.region_id = $1::bigint AND s.id = $4::bigint
   AND (NOT $5::boolean OR (s.state = 'active' AND $6::date BETWEEN s.licence_from AND s.licence_until))
   AND EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
ON CONFLICT (region_id, staff_id) DO UPDATE SET on_duty = excluded.on_duty, since = excluded.since
 WHERE d.on_duty <> excluded.on_duty
RETURNING on_duty, since;

-- name: seat_report   ($1 region, $2 now, $3 visit, $4 seat, $5 present)
-- What signald says of a seat. One row when there is such a seat: before, role, order, its state, the claimant.
WITH was AS (
    SELECT s.present, s.role, v.order_id FROM records.visit_seats s
      JOIN records.visits v ON v.region_id = s.region_id AND v.id = s.visit_id
     WHERE s.region_id = $1::bigint AND s.visit_id = $3::bigint AND s.id = $4::bigint AND s.removed_at IS NULL
), w AS (
    UPDATE records.visit_seats s
       SET present = $5::boolean, reported_at = $2::timestamptz,
           joined_at = CASE WHEN $5::boolean AND NOT s.present THEN $2::timestamptz ELSE s.joined_at END,
           left_at = CASE WHEN NOT $5::boolean AND s.present THEN $2::timestamptz ELSE s.left_at END
     WHERE s.region_id = $1::bigint AND s.visit_id = $3::bigint AND s.id = $4::bigint AND s.removed_at IS NULL
)
SELECT present, role, order_id FROM was;

-- name: seats_silent   ($1 region, $2 now, $3 before)
-- Seats that nobody has spoken of since: whoever sat there is gone.
UPDATE records.visit_seats s SET present = false, left_at = $2::timestamptz
  FROM records.visits v
 WHERE s.region_id = $1::bigint AND s.present AND s.reported_at < $3::timestamptz
   AND v.region_id = s.region_id AND v.id = s.visit_id
RETURNING v.order_id;
