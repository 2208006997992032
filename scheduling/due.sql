-- What is due. Each question runs along an index of its own and usually answers nothing.

-- name: due_orders   ($1 region, $2 now)
-- serve_over: claimed, and nobody entered the room. expire: in the pool for a day. no_show: half an hour after the session.
SELECT o.id, 'serve_over' FROM scheduling.orders o
 WHERE o.region_id = $1::bigint AND o.state = 'claimed' AND o.serve_by <= $2::timestamptz
UNION ALL
SELECT o.id, 'expire' FROM scheduling.orders o
 WHERE o.region_id = $1::bigint AND o.state = 'pooled' AND o.queued_at <= $2::timestamptz - interval '24 hours'
UNION ALL
SELECT o.id, 'no_show' FROM scheduling.orders o
  JOIN scheduling.slots s ON s.region_id = o.region_id AND s.id = o.slot_id
  JOIN scheduling.roster_sessions r ON r.region_id = s.region_id AND r.id = s.session_id
 WHERE o.region_id = $1::bigint AND o.state = 'booked' AND r.ends_at <= $2::timestamptz - interval '30 minutes'
LIMIT 256;

-- name: due_rosters   ($1 region, $2 now)
SELECT r.id, r.tenant_id, r.clinic_id, r.staff_id, r.version, r.state FROM scheduling.roster_sessions r
 WHERE r.region_id = $1::bigint
   AND ((r.state = 'published') OR (r.state = 'open' AND r.starts_at <= $2::timestamptz)
        OR (r.state = 'running' AND r.ends_at <= $2::timestamptz))
 LIMIT 256;

-- name: due_circles   ($1 region, $2 epoch, $3 now)
-- The next circle of doctors opens.
UPDATE scheduling.orders o SET circle = o.circle + 1
  FROM scheduling.offer_policies p
 WHERE o.region_id = $1::bigint AND o.state = 'pooled' AND p.region_id = o.region_id
   AND p.queue = (SELECT x.queue FROM scheduling.offer_policies x WHERE x.region_id = o.region_id AND x.queue IN (o.specialty, '*')
                   ORDER BY x.queue = '*' LIMIT 1)
   AND p.shape = 'levels' AND o.circle < cardinality(p.circles)
   AND o.queued_at + p.circle_s[o.circle + 1] * interval '1 second' <= $3::timestamptz
   AND EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
RETURNING o.id;

-- name: due_circles_any   ($1 region, $2 now)
SELECT EXISTS (SELECT 1 FROM scheduling.orders o
  JOIN LATERAL (SELECT x.* FROM scheduling.offer_policies x WHERE x.region_id = o.region_id AND x.queue IN (o.specialty, '*')
                 ORDER BY x.queue = '*' LIMIT 1) p ON true
 WHERE o.region_id = $1::bigint AND o.state = 'pooled' AND p.shape = 'levels' AND o.circle < cardinality(p.circles)
   AND o.queued_at + p.circle_s[o.circle + 1] * interval '1 second' <= $2::timestamptz);

-- name: claims_return   ($1 region, $2 epoch, $3 batch, $4 now, $5 orders[], $6 log ids[])
-- The seat of the claimant who did not come is closed, and the log says that the claim came back.
WITH s AS (
    UPDATE records.visit_seats s SET removed_at = $4::timestamptz, present = false, admitted = false
      FROM unnest($5::bigint[], $6::bigint[]) AS u (order_id, log_id)
      JOIN scheduling.orders o ON o.region_id = $1::bigint AND o.id = u.order_id
     WHERE s.region_id = $1::bigint AND s.visit_id = o.visit_id AND s.role = 'doctor' AND s.removed_at IS NULL
    RETURNING u.order_id, u.log_id, s.staff_id, s.tenant_id, s.account_id
), l AS (
    INSERT INTO scheduling.claim_log (region_id, id, tenant_id, order_id, staff_id, version, result, reason, epoch, batch, rank,
                                      request_id, at)
    SELECT $1::bigint, s.log_id, s.tenant_id, s.order_id, s.staff_id, 0, 'returned', 'serve_over', $2::bigint, $3::bigint, 0, '',
           $4::timestamptz FROM s
)
SELECT order_id, account_id FROM s;
