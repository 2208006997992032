-- The pool. Its answers carry no identity: the columns are named one by one, person and visit are not among them.

-- name: offer_open   ($1 region, $2 now, $3 today, $4 orders[] or null, $5 staff or 0)
-- Eligibility to see an offer: on duty, licence valid on the database's day, specialty, level, the clinic's hospital when one
-- was asked for, not the requester. Of those the circle takes the least served today first; 0 takes all.
WITH q AS (
    SELECT o.region_id, o.id, o.specialty, o.care_level, o.circle, o.inviting_staff_id, c.tenant_id AS clinic_tenant_id,
           CASE WHEN p.shape = 'grab' THEN 0 ELSE p.circles[least(greatest(o.circle, 1), cardinality(p.circles))] END AS size
      FROM scheduling.orders o
      JOIN LATERAL (SELECT x.shape, x.circles FROM scheduling.offer_policies x
                     WHERE x.region_id = o.region_id AND x.queue IN (o.specialty, '*') ORDER BY x.queue = '*' LIMIT 1) p ON true
      LEFT JOIN scheduling.clinics c ON c.region_id = o.region_id AND c.id = o.clinic_id
     WHERE o.region_id = $1::bigint AND o.state = 'pooled' AND ($4::bigint[] IS NULL OR o.id = ANY ($4::bigint[]))
), served AS (
    SELECT o.doctor_id, count(*) AS claims FROM scheduling.orders o
     WHERE o.region_id = $1::bigint AND o.claimed_at >= $3::date::timestamp AT TIME ZONE interval '+08:00'
       AND o.doctor_id IN (SELECT d.staff_id FROM scheduling.duty d WHERE d.region_id = $1::bigint AND d.on_duty)
     GROUP BY o.doctor_id
), e AS (
    SELECT q.id AS order_id, q.circle, q.size, s.id AS staff_id, s.tenant_id,
           row_number() OVER (PARTITION BY q.id ORDER BY coalesce(served.claims, 0), d.since, s.id) AS place
      FROM q
      JOIN scheduling.duty d ON d.region_id = q.region_id AND d.on_duty
      JOIN records.staff s ON s.region_id = d.region_id AND s.id = d.staff_id AND s.state = 'active'
                          AND $3::date BETWEEN s.licence_from AND s.licence_until AND q.specialty = ANY (s.specialties)
      JOIN records.organisations g ON g.region_id = s.region_id AND g.id = s.tenant_id AND g.care_level = q.care_level
                                  AND (q.clinic_tenant_id IS NULL OR g.id = q.clinic_tenant_id)
      LEFT JOIN served ON served.doctor_id = s.id
     WHERE s.id <> coalesce(q.inviting_staff_id, 0)
), w AS (
    INSERT INTO scheduling.offers AS f (region_id, order_id, staff_id, tenant_id, nonce, circle, offered_at)
    SELECT $1::bigint, e.order_id, e.staff_id, e.tenant_id, replace(gen_random_uuid()::text, '-', ''), e.circle, $2::timestamptz
      FROM e WHERE (e.size = 0 OR e.place <= e.size) AND ($5::bigint = 0 OR e.staff_id = $5::bigint)
    ON CONFLICT (region_id, order_id, staff_id) DO UPDATE
       SET nonce = excluded.nonce, circle = excluded.circle, offered_at = excluded.offered_at, withdrawn_at = NULL
     WHERE f.withdrawn_at IS NOT NULL
    RETURNING f.order_id, f.staff_id
)
SELECT w.order_id, a.id, o.tenant_id FROM w
  JOIN scheduling.orders o ON o.region_id = $1::bigint AND o.id = w.order_id
  JOIN records.accounts a ON a.region_id = $1::bigint AND a.staff_id = w.staff_id
 ORDER BY w.order_id;

-- name: offers_leave   ($1 region, $2 now, $3 staff)
-- Off duty: out of every pool at once.
UPDATE scheduling.offers SET withdrawn_at = $2::timestamptz
 WHERE region_id = $1::bigint AND staff_id = $3::bigint AND withdrawn_at IS NULL;

-- name: pool_list   ($1 region, $2 staff)
-- Empty for who could not claim anyway: off duty, live in a visit, hands full.
SELECT o.id, o.version, f.nonce, o.age_band, o.sex, o.complaint, o.specialty, o.urgency, o.care_level, o.queued_at, f.circle,
       o.township
  FROM scheduling.offers f
  JOIN scheduling.orders o ON o.region_id = f.region_id AND o.id = f.order_id AND o.state = 'pooled'
  JOIN scheduling.duty d ON d.region_id = f.region_id AND d.staff_id = f.staff_id AND d.on_duty
  JOIN LATERAL (SELECT x.hand_max FROM scheduling.offer_policies x
                 WHERE x.region_id = o.region_id AND x.queue IN (o.specialty, '*') ORDER BY x.queue = '*' LIMIT 1) p ON true
 CROSS JOIN (SELECT count(*) FILTER (WHERE h.state = 'live') AS live,
                    count(*) FILTER (WHERE h.slot_id IS NULL) AS hand
               FROM scheduling.orders h
              WHERE h.region_id = $1::bigint AND h.doctor_id = $2::bigint AND h.state IN ('claimed', 'waiting', 'live')) h
 WHERE f.region_id = $1::bigint AND f.staff_id = $2::bigint AND f.withdrawn_at IS NULL AND h.live = 0 AND h.hand < p.hand_max
 ORDER BY o.urgency = 'emergency' DESC, o.urgency = 'urgent' DESC, o.queued_at, o.id LIMIT 200;
