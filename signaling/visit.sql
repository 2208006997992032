-- visit.sql: one visit with its seats, as whoever asks may see it.

-- name: visit_load   ($1 region, $2 visit)
-- One row per seat; no row when the visit is not the caller's to see.
SELECT v.tenant_id, v.order_id, v.person_id, v.room_id, v.state, v.channel, v.kind, v.clinic_name,
       v.starts_at, v.live_at, v.ended_at,
       p.name, p.sex, p.birth_date::text,
       coalesce((SELECT c.granted FROM records.consents c
                  WHERE c.region_id = v.region_id AND c.visit_id = v.id AND c.kind = 'recording'
                  ORDER BY c.id DESC LIMIT 1), false),
       s.id, s.role, coalesce(s.account_id, 0), s.name, s.removed_at IS NOT NULL
  FROM records.visits v
  LEFT JOIN records.persons p ON p.region_id = v.region_id AND p.id = v.person_id
  LEFT JOIN records.visit_seats s ON s.region_id = v.region_id AND s.visit_id = v.id
 WHERE v.region_id = $1::bigint AND v.id = $2::bigint
 ORDER BY s.id
