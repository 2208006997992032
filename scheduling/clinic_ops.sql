-- What everybody may see: clinics, their doctors, their free times.

-- name: clinic_list   ($1 region, $2 now, $3 today)
SELECT c.id, c.name, c.department, g.id, g.name, g.care_level,
       (SELECT min(s.starts_at) FROM scheduling.slots s
          JOIN scheduling.roster_sessions r ON r.region_id = s.region_id AND r.id = s.session_id
          LEFT JOIN scheduling.duty d ON d.region_id = s.region_id AND d.staff_id = s.staff_id
         WHERE s.region_id = c.region_id AND s.clinic_id = c.id AND s.ends_at > $2::timestamptz AND s.taken + s.held < s.cap
           AND scheduling.slot_is_bookable(s.state, r.state, s.ends_at, r.day, d.on_duty, d.since, $2::timestamptz, $3::date))
  FROM scheduling.clinics c
  JOIN records.organisations g ON g.region_id = c.region_id AND g.id = c.tenant_id AND g.state = 'active'
 WHERE c.region_id = $1::bigint AND c.state = 'open'
 ORDER BY c.id;

-- name: clinic_doctors   ($1 region, $2 today)
-- Whoever has a session from today on.
SELECT DISTINCT r.clinic_id, s.id, s.name, s.title, coalesce(d.on_duty, false)
  FROM scheduling.roster_sessions r
  JOIN records.staff s ON s.region_id = r.region_id AND s.id = r.staff_id
  LEFT JOIN scheduling.duty d ON d.region_id = s.region_id AND d.staff_id = s.id
 WHERE r.region_id = $1::bigint AND r.day >= $2::date AND r.state IN ('published', 'open', 'running')
 ORDER BY r.clinic_id, s.id;

-- name: slot_list   ($1 region, $2 now, $3 today, $4 clinic, $5 day)
SELECT s.id, s.starts_at, s.ends_at, s.staff_id, t.name, t.title, s.cap - s.taken - s.held
  FROM scheduling.slots s
  JOIN scheduling.roster_sessions r ON r.region_id = s.region_id AND r.id = s.session_id
  JOIN records.staff t ON t.region_id = s.region_id AND t.id = s.staff_id
  LEFT JOIN scheduling.duty d ON d.region_id = s.region_id AND d.staff_id = s.staff_id
 WHERE s.region_id = $1::bigint AND s.clinic_id = $4::bigint AND s.day = $5::date
   AND scheduling.slot_is_bookable(s.state, r.state, s.ends_at, r.day, d.on_duty, d.since, $2::timestamptz, $3::date)
 ORDER BY s.starts_at, s.staff_id LIMIT 500;
