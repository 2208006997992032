-- Bookings: facts for the judge, then seats taken slot by slot in one UPDATE.

-- name: booking_facts   ($1 region, $2 now, $3 today, $4 slots[], $5 persons[], $6 tenants[], $7 own[] (1: the patient's own account))
-- One row per request, in order of arrival. A person beyond the caller's reach is not found.
SELECT sl.id, coalesce(scheduling.slot_is_bookable(sl.state, r.state, sl.ends_at, r.day, d.on_duty, d.since, $2::timestamptz, $3::date)
                       AND 'follow_up' = ANY (r.kinds) AND s.state = 'active' AND $3::date BETWEEN s.licence_from AND s.licence_until,
                       false),
       sl.staff_id, sl.session_id, sl.day::text, sl.cap - sl.taken - sl.held, sl.last_token,
       p.id,
       (SELECT x.id FROM scheduling.orders x WHERE x.region_id = $1::bigint AND x.person_id = c.person_id AND x.doctor_id = sl.staff_id
           AND x.slot_day = sl.day AND x.slot_id IS NOT NULL AND x.state IN ('booked', 'waiting', 'live') LIMIT 1),
       (SELECT count(*) FROM scheduling.orders x WHERE x.region_id = $1::bigint AND x.person_id = c.person_id
           AND x.state IN ('pooled', 'booked', 'claimed', 'waiting', 'live')),
       p.name, p.sex, p.birth_date::text, pa.id, sl.tenant_id, k.id, k.name, k.specialty, g.care_level, sl.starts_at, s.name, s.tenant_id,
       da.id
  FROM unnest($4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) WITH ORDINALITY AS c (slot_id, person_id, tenant_id, own, rank)
  LEFT JOIN scheduling.slots sl ON sl.region_id = $1::bigint AND sl.id = c.slot_id
  LEFT JOIN scheduling.roster_sessions r ON r.region_id = sl.region_id AND r.id = sl.session_id
  LEFT JOIN scheduling.clinics k ON k.region_id = sl.region_id AND k.id = sl.clinic_id
  LEFT JOIN records.organisations g ON g.region_id = sl.region_id AND g.id = sl.tenant_id
  LEFT JOIN records.staff s ON s.region_id = sl.region_id AND s.id = sl.staff_id
  LEFT JOIN scheduling.duty d ON d.region_id = sl.region_id AND d.staff_id = sl.staff_id
  LEFT JOIN records.persons p ON p.region_id = $1::bigint AND p.id = c.person_id
       AND (c.own = 1 OR p.tenant_id = c.tenant_id
            OR EXISTS (SELECT 1 FROM records.access x WHERE x.region_id = p.region_id AND x.subject_id = p.id
                          AND x.tenant_id = c.tenant_id AND x.until > $2::timestamptz))
  LEFT JOIN LATERAL (SELECT a.id FROM records.accounts a WHERE a.region_id = $1::bigint AND a.person_id = p.id AND a.state = 'active'
                      ORDER BY a.id LIMIT 1) pa ON true
  LEFT JOIN LATERAL (SELECT a.id FROM records.accounts a WHERE a.region_id = $1::bigint AND a.staff_id = s.id AND a.state = 'active'
                      ORDER BY a.id LIMIT 1) da ON true
 ORDER BY c.rank;

-- name: slots_take   ($1 region, $2 epoch, $3 slots[], one entry per seat)
-- The condition is the arbiter, slot_never_oversold stands behind it.
UPDATE scheduling.slots s SET taken = s.taken + w.n, last_token = s.last_token + w.n
  FROM (SELECT slot_id, count(*)::int AS n FROM unnest($3::bigint[]) AS u (slot_id) GROUP BY slot_id) w
 WHERE s.region_id = $1::bigint AND s.id = w.slot_id AND s.state = 'free' AND s.taken + s.held + w.n <= s.cap
   AND EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
RETURNING s.id, w.n;
