-- Claims of orders: facts for the judge, then one conditional UPDATE for all winners (claim_run.sql).

-- name: claim_facts   ($1 region, $2 today, $3 orders[], $4 doctors[], $5 nonces[])
-- One row per claim, in order of arrival.
WITH c AS (
    SELECT * FROM unnest($3::bigint[], $4::bigint[], $5::text[]) WITH ORDINALITY AS u (order_id, staff_id, nonce, rank)
), hands AS (
    SELECT o.doctor_id, count(*) FILTER (WHERE o.state = 'live') AS live, count(*) FILTER (WHERE o.slot_id IS NULL) AS hand
      FROM scheduling.orders o
     WHERE o.region_id = $1::bigint AND o.state IN ('claimed', 'waiting', 'live') AND o.doctor_id = ANY ($4::bigint[])
     GROUP BY o.doctor_id
)
SELECT CASE WHEN o.state = 'pooled' THEN 'free' WHEN o.id IS NULL THEN 'absent' ELSE 'taken' END, o.version, o.doctor_id,
       coalesce(d.on_duty, false),
       coalesce(s.state = 'active' AND $2::date BETWEEN s.licence_from AND s.licence_until, false),
       coalesce(o.specialty = ANY (s.specialties), false),
       coalesce(g.care_level = o.care_level AND (k.tenant_id IS NULL OR k.tenant_id = s.tenant_id), false),
       coalesce(o.inviting_staff_id = c.staff_id, false),
       f.nonce IS NOT NULL, coalesce(f.nonce = c.nonce, false),
       coalesce(hands.live, 0), coalesce(hands.hand, 0), p.hand_max,
       CASE WHEN o.urgency = 'normal' THEN p.serve_s ELSE p.serve_urgent_s END,
       o.tenant_id, o.person_id, o.visit_id, NULL
  FROM c
  LEFT JOIN scheduling.orders o ON o.region_id = $1::bigint AND o.id = c.order_id
  LEFT JOIN records.staff s ON s.region_id = $1::bigint AND s.id = c.staff_id
  LEFT JOIN records.organisations g ON g.region_id = $1::bigint AND g.id = s.tenant_id
  LEFT JOIN scheduling.clinics k ON k.region_id = $1::bigint AND k.id = o.clinic_id
  LEFT JOIN scheduling.duty d ON d.region_id = $1::bigint AND d.staff_id = c.staff_id
  LEFT JOIN scheduling.offers f ON f.region_id = $1::bigint AND f.order_id = c.order_id AND f.staff_id = c.staff_id
  LEFT JOIN hands ON hands.doctor_id = c.staff_id
  LEFT JOIN LATERAL (SELECT x.hand_max, x.serve_s, x.serve_urgent_s FROM scheduling.offer_policies x
                      WHERE x.region_id = $1::bigint AND x.queue IN (o.specialty, '*') ORDER BY x.queue = '*' LIMIT 1) p ON true
 ORDER BY c.rank;

-- name: claim_batch   ($1 region, $2 epoch, $3 now, $4 orders[], $5 doctors[], $6 versions[], $7 serve seconds[])
-- The winners of one batch. The judge has chosen one per order; DISTINCT ON and the conditions hold even if he erred: a row
-- that moved on does not match, a doctor who went off duty does not match, a fallen owner matches nothing.
WITH w AS (
    SELECT DISTINCT ON (order_id) order_id, doctor_id, version, serve_s
      FROM unnest($4::bigint[], $5::bigint[], $6::int[], $7::int[]) WITH ORDINALITY AS c (order_id, doctor_id, version, serve_s, rank)
     ORDER BY order_id, rank
), m AS (
    UPDATE scheduling.orders o
       SET state = 'claimed', doctor_id = w.doctor_id, doctor_tenant_id = s.tenant_id, version = o.version + 1,
           claimed_at = $3::timestamptz, serve_by = $3::timestamptz + w.serve_s * interval '1 second'
      FROM w
      JOIN records.staff s ON s.region_id = $1::bigint AND s.id = w.doctor_id
      JOIN scheduling.duty d ON d.region_id = $1::bigint AND d.staff_id = w.doctor_id AND d.on_duty
     WHERE o.region_id = $1::bigint AND o.id = w.order_id AND o.state = 'pooled' AND o.version = w.version
       AND EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
    RETURNING o.id, o.visit_id, o.doctor_id
), v AS (
    UPDATE records.visits v SET state = 'claimed' FROM m WHERE v.region_id = $1::bigint AND v.id = m.visit_id
)
SELECT id, doctor_id FROM m;

-- name: claim_seats   ($1 region, $2 seats)
-- The claimant's seat in the room that has been there since the request.
INSERT INTO records.visit_seats (region_id, visit_id, id, tenant_id, role, account_id, staff_id, name, admitted)
SELECT $1::bigint, r.visit_id, r.id, r.tenant_id, 'doctor', r.account_id, r.staff_id, r.name, true
  FROM json_to_recordset($2::json) AS r (visit_id bigint, id bigint, tenant_id bigint, account_id bigint, staff_id bigint, name text);

-- name: claim_log_won   ($1 region, $2 orders[], $3 doctors[])
-- The log row of wins that are asked for again.
SELECT DISTINCT ON (c.order_id) c.order_id, c.id FROM scheduling.claim_log c
 WHERE c.region_id = $1::bigint AND c.order_id = ANY ($2::bigint[]) AND c.staff_id = ANY ($3::bigint[]) AND c.result = 'won'
 ORDER BY c.order_id, c.id DESC;
