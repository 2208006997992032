-- Roster sessions: the office's drafts, published, run, closed.

-- name: roster_list   ($1 region, $2 tenant or 0, $3 staff or 0, $4 day or null, $5 today, $6 only this one or 0)
SELECT r.id, r.state, r.version, r.clinic_id, c.name, r.staff_id, s.name, s.title, r.starts_at, r.ends_at, r.slot_minutes,
       r.capacity_per_slot, array_to_string(r.kinds, ','), coalesce(n.slots, 0), coalesce(n.booked, 0), r.tenant_id
  FROM scheduling.roster_sessions r
  JOIN scheduling.clinics c ON c.region_id = r.region_id AND c.id = r.clinic_id
  JOIN records.staff s ON s.region_id = r.region_id AND s.id = r.staff_id
  LEFT JOIN LATERAL (SELECT count(*) AS slots, sum(x.taken) AS booked FROM scheduling.slots x
                      WHERE x.region_id = r.region_id AND x.session_id = r.id) n ON true
 WHERE r.region_id = $1::bigint AND ($2::bigint = 0 OR r.tenant_id = $2::bigint) AND ($3::bigint = 0 OR r.staff_id = $3::bigint)
   AND ($4::date IS NULL OR r.day = $4::date) AND ($4::date IS NOT NULL OR $6::bigint <> 0 OR r.day >= $5::date - 1)
   AND ($6::bigint = 0 OR r.id = $6::bigint)
 ORDER BY r.starts_at, r.id LIMIT 500;

-- name: roster_facts   ($1 region, $2 clinic, $3 staff, $4 starts, $5 ends, $6 day)
-- May this doctor work this session: the clinic's hospital is his, he has its specialty and a licence that day, and no other
-- session of his overlaps. One owner asks and writes, so the answer cannot age in between.
SELECT c.tenant_id, s.id,
       coalesce(s.tenant_id = c.tenant_id AND c.specialty = ANY (s.specialties), false),
       coalesce(s.state = 'active' AND $6::date BETWEEN s.licence_from AND s.licence_until, false),
       EXISTS (SELECT 1 FROM scheduling.roster_sessions r WHERE r.region_id = $1::bigint AND r.staff_id = $3::bigint
                  AND r.state IN ('published', 'open', 'running') AND r.starts_at < $5::timestamptz AND r.ends_at > $4::timestamptz)
  FROM scheduling.clinics c
  LEFT JOIN records.staff s ON s.region_id = c.region_id AND s.id = $3::bigint
 WHERE c.region_id = $1::bigint AND c.id = $2::bigint AND c.state = 'open';

-- name: roster_insert   ($1 region, $2 epoch, $3 now, $4 session, $5 slots)
WITH r AS (
    INSERT INTO scheduling.roster_sessions (region_id, id, tenant_id, clinic_id, staff_id, day, starts_at, ends_at, slot_minutes,
                                            capacity_per_slot, kinds, created_by, created_at)
    SELECT $1::bigint, s.id, s.tenant_id, s.clinic_id, s.staff_id, s.day, s.starts_at, s.ends_at, s.slot_minutes, s.capacity, s.kinds,
           s.created_by, $3::timestamptz
      FROM json_to_record($4::json) AS s (id bigint, tenant_id bigint, clinic_id bigint, staff_id bigint, day date,
           starts_at timestamptz, ends_at timestamptz, slot_minutes int, capacity int, kinds text[], created_by bigint)
     WHERE EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
    RETURNING id, tenant_id, clinic_id, staff_id, capacity_per_slot
)
INSERT INTO scheduling.slots (region_id, id, tenant_id, session_id, clinic_id, staff_id, starts_at, ends_at, day, cap)
SELECT $1::bigint, x.id, r.tenant_id, r.id, r.clinic_id, r.staff_id, x.starts_at, x.ends_at, x.day, r.capacity_per_slot
  FROM r, json_to_recordset($5::json) AS x (id bigint, starts_at timestamptz, ends_at timestamptz, day date);

-- name: rosters_move   ($1 region, $2 epoch, $3 now, $4 rows)
-- Sessions along roster_fsm.c, and what the edge does to their slots.
WITH w AS (
    SELECT * FROM json_to_recordset($4::json) AS x (id bigint, version int, state_from text, state_to text, slots text, reason text)
), m AS (
    UPDATE scheduling.roster_sessions r
       SET state = w.state_to, version = r.version + 1,
           published_at = CASE WHEN w.state_from = 'draft' AND w.state_to <> 'cancelled' THEN $3::timestamptz ELSE r.published_at END,
           cancel_reason = CASE WHEN w.state_to = 'cancelled' THEN w.reason ELSE r.cancel_reason END
      FROM w
     WHERE r.region_id = $1::bigint AND r.id = w.id AND r.version = w.version AND r.state = w.state_from
       AND EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
    RETURNING r.id, w.slots
), s AS (
    UPDATE scheduling.slots s SET state = m.slots FROM m
     WHERE s.region_id = $1::bigint AND s.session_id = m.id AND m.slots <> 'keep' AND s.state <> m.slots
)
SELECT id FROM m;

-- name: roster_orders   ($1 region, $2 sessions[])
-- Bookings that hang on these sessions and have not begun.
SELECT o.id FROM scheduling.orders o
  JOIN scheduling.slots s ON s.region_id = o.region_id AND s.id = o.slot_id
 WHERE o.region_id = $1::bigint AND s.session_id = ANY ($2::bigint[]) AND o.state IN ('booked', 'waiting');
