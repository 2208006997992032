-- What else ends when an order does.

-- name: slots_release   ($1 region, $2 epoch, $3 slots[], one entry per seat given back)
-- The number on the ticket is not given twice: last_token stays.
UPDATE scheduling.slots s SET taken = s.taken - w.n
  FROM (SELECT slot_id, count(*)::int AS n FROM unnest($3::bigint[]) AS u (slot_id) GROUP BY slot_id) w
 WHERE s.region_id = $1::bigint AND s.id = w.slot_id
   AND EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint);

-- name: offers_withdraw   ($1 region, $2 now, $3 orders[])
-- Answers who was shown what: order, account, the order's owner.
WITH w AS (
    UPDATE scheduling.offers SET withdrawn_at = $2::timestamptz
     WHERE region_id = $1::bigint AND order_id = ANY ($3::bigint[]) AND withdrawn_at IS NULL
    RETURNING region_id, order_id, staff_id
)
SELECT w.order_id, a.id, o.tenant_id FROM w
  JOIN scheduling.orders o ON o.region_id = w.region_id AND o.id = w.order_id
  JOIN records.accounts a ON a.region_id = w.region_id AND a.staff_id = w.staff_id
 ORDER BY w.order_id;
