-- Orders: reading them whole, moving them along the table of order_fsm.c, making them.

-- name: order_load   ($1 region, $2 ids[])
-- Everything any view or rule wants to know, for all orders of a batch in one question.
SELECT o.id, o.tenant_id, o.person_id, o.visit_id, o.version, o.state, o.channel, o.kind, o.urgency, o.specialty,
       o.care_level, v.room_id, o.inviting_tenant_id, it.name, o.inviting_staff_id, ist.name, o.clinic_id, c.name,
       c.waiting_room_opens_s, o.slot_id, sl.starts_at, o.token_no, o.doctor_id, o.doctor_tenant_id, d.name, d.title,
       p.name, o.sex, o.age_band, o.complaint, o.prior_diagnosis::text, o.vitals::text, o.created_at, o.queued_at,
       o.checked_in_at, o.claimed_at, o.live_at, o.ended_at, o.signed_at,
       (SELECT string_agg(k.kind, ',') FROM (SELECT DISTINCT ON (g.kind) g.kind, g.granted FROM records.consents g
                                              WHERE g.region_id = o.region_id AND g.visit_id = o.visit_id
                                              ORDER BY g.kind, g.id DESC) k WHERE k.granted),
       n.version, n.diagnosis_code, n.diagnosis_text, n.text, n.advice, v.signed_note_version,
       (SELECT string_agg(a.id::text, ',') FROM records.accounts a
         WHERE a.region_id = o.region_id AND (a.person_id = o.person_id OR a.staff_id = o.doctor_id
                                              OR a.staff_id = o.inviting_staff_id)),
       coalesce(st.doctor, false), coalesce(st.inviting, false)
  FROM scheduling.orders o
  JOIN records.visits v ON v.region_id = o.region_id AND v.id = o.visit_id
  JOIN records.persons p ON p.region_id = o.region_id AND p.id = o.person_id
  LEFT JOIN records.organisations it ON it.region_id = o.region_id AND it.id = o.inviting_tenant_id
  LEFT JOIN records.staff ist ON ist.region_id = o.region_id AND ist.id = o.inviting_staff_id
  LEFT JOIN scheduling.clinics c ON c.region_id = o.region_id AND c.id = o.clinic_id
  LEFT JOIN scheduling.slots sl ON sl.region_id = o.region_id AND sl.id = o.slot_id
  LEFT JOIN records.staff d ON d.region_id = o.region_id AND d.id = o.doctor_id
  LEFT JOIN LATERAL (SELECT x.* FROM records.visit_notes x WHERE x.region_id = o.region_id AND x.visit_id = o.visit_id
                      ORDER BY x.version DESC LIMIT 1) n ON true
  LEFT JOIN LATERAL (SELECT bool_or(x.present) FILTER (WHERE x.role = 'doctor') AS doctor,
                            bool_or(x.present) FILTER (WHERE x.role = 'township_doctor') AS inviting
                       FROM records.visit_seats x
                      WHERE x.region_id = o.region_id AND x.visit_id = o.visit_id AND x.removed_at IS NULL) st ON true
 WHERE o.region_id = $1::bigint AND o.id = ANY ($2::bigint[]);

-- name: order_move   ($1 region, $2 epoch, $3 now, $4 rows)
-- Every step of every order but the claim. The visit keeps the mirror. A row that is not where we saw it does not match:
-- the caller counts.
WITH w AS (
    SELECT * FROM json_to_recordset($4::json) AS r (id bigint, version int, state_from text, state_to text, account_id bigint,
           reason text, staff_id bigint, note_version int)
), m AS (
    UPDATE scheduling.orders o
       SET state = w.state_to, version = o.version + 1,
           doctor_id = CASE WHEN w.state_to = 'pooled' THEN NULL ELSE o.doctor_id END,
           doctor_tenant_id = CASE WHEN w.state_to = 'pooled' THEN NULL ELSE o.doctor_tenant_id END,
           claimed_at = CASE WHEN w.state_to = 'pooled' THEN NULL ELSE o.claimed_at END,
           serve_by = NULL,
           doctor_joined_at = CASE WHEN w.state_from = 'claimed' AND w.state_to = 'waiting' THEN $3::timestamptz
                                   ELSE o.doctor_joined_at END,
           checked_in_at = CASE WHEN w.state_to = 'waiting' THEN coalesce(o.checked_in_at, $3::timestamptz)
                                ELSE o.checked_in_at END,
           live_at = CASE WHEN w.state_to = 'live' THEN coalesce(o.live_at, $3::timestamptz) ELSE o.live_at END,
           ended_at = CASE WHEN w.state_to = 'documenting' THEN $3::timestamptz ELSE o.ended_at END,
           signed_at = CASE WHEN w.state_to IN ('signed', 'closed') THEN coalesce(o.signed_at, $3::timestamptz)
                            ELSE o.signed_at END,
           closed_at = CASE WHEN w.state_to = 'closed' THEN $3::timestamptz ELSE o.closed_at END,
           cancelled_at = CASE WHEN w.state_to = 'cancelled' THEN $3::timestamptz ELSE o.cancelled_at END,
           cancelled_by = CASE WHEN w.state_to = 'cancelled' THEN w.account_id ELSE o.cancelled_by END,
           cancel_reason = CASE WHEN w.state_to = 'cancelled' THEN w.reason ELSE o.cancel_reason END
      FROM w
     WHERE o.region_id = $1::bigint AND o.id = w.id AND o.version = w.version AND o.state = w.state_from
       AND EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
    RETURNING o.id, o.visit_id, o.state, w.staff_id, w.note_version
), v AS (
    UPDATE records.visits v
       SET state = m.state,
           live_at = CASE WHEN m.state = 'live' THEN coalesce(v.live_at, $3::timestamptz) ELSE v.live_at END,
           ended_at = CASE WHEN m.state = 'documenting' THEN $3::timestamptz ELSE v.ended_at END,
           signed_at = CASE WHEN m.state IN ('signed', 'closed') THEN coalesce(v.signed_at, $3::timestamptz) ELSE v.signed_at END,
           signed_by = CASE WHEN m.state IN ('signed', 'closed') THEN m.staff_id ELSE v.signed_by END,
           signed_note_version = CASE WHEN m.state IN ('signed', 'closed') THEN m.note_version ELSE v.signed_note_version END,
           closed_at = CASE WHEN m.state = 'closed' THEN $3::timestamptz ELSE v.closed_at END
      FROM m WHERE v.region_id = $1::bigint AND v.id = m.visit_id
)
SELECT id FROM m;

-- name: order_insert   ($1 region, $2 epoch, $3 now, $4 orders, $5 seats)
-- An order is born with its visit, its room and its seats: the room exists before anyone joins and knows everyone's role.
WITH r AS (
    SELECT * FROM json_to_recordset($4::json) AS r (id bigint, tenant_id bigint, state text, channel text, kind text, urgency text,
           specialty text, care_level text, person_id bigint, age_band text, sex text, visit_id bigint, room_id text,
           inviting_tenant_id bigint, inviting_staff_id bigint, township text, clinic_id bigint, clinic text, slot_id bigint,
           slot_day date, starts_at timestamptz, token_no int, doctor_id bigint, doctor_tenant_id bigint, complaint text,
           prior_diagnosis text, vitals text, created_by bigint, queued_at timestamptz)
     WHERE EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
), v AS (
    INSERT INTO records.visits (region_id, id, tenant_id, order_id, person_id, room_id, channel, kind, state, clinic_name,
                                starts_at, created_at)
    SELECT $1::bigint, r.visit_id, r.tenant_id, r.id, r.person_id, r.room_id, r.channel, r.kind, r.state, r.clinic, r.starts_at,
           $3::timestamptz FROM r
), o AS (
    INSERT INTO scheduling.orders (region_id, id, tenant_id, state, channel, kind, urgency, specialty, care_level, person_id,
           age_band, sex, visit_id, inviting_tenant_id, inviting_staff_id, township, clinic_id, slot_id, slot_day, token_no,
           doctor_id, doctor_tenant_id, complaint, prior_diagnosis, vitals, created_by, created_at, queued_at, circle)
    SELECT $1::bigint, r.id, r.tenant_id, r.state, r.channel, r.kind, r.urgency, r.specialty, r.care_level, r.person_id,
           r.age_band, r.sex, r.visit_id, r.inviting_tenant_id, r.inviting_staff_id, r.township, r.clinic_id, r.slot_id,
           r.slot_day, r.token_no, r.doctor_id, r.doctor_tenant_id, r.complaint, r.prior_diagnosis::json, r.vitals::json,
           r.created_by, $3::timestamptz, r.queued_at, CASE WHEN r.state = 'pooled' THEN 1 ELSE 0 END FROM r
    RETURNING id
), s AS (
    INSERT INTO records.visit_seats (region_id, visit_id, id, tenant_id, role, account_id, person_id, staff_id, name, admitted)
    SELECT $1::bigint, s.visit_id, s.id, s.tenant_id, s.role, s.account_id, s.person_id, s.staff_id, s.name, s.admitted
      FROM json_to_recordset($5::json) AS s (visit_id bigint, id bigint, tenant_id bigint, role text, account_id bigint,
           person_id bigint, staff_id bigint, name text, admitted boolean)
     WHERE EXISTS (SELECT 1 FROM r)
)
SELECT id FROM o;

-- name: seats_admit   ($1 region, $2 visit, $3 admitted)
-- The doctor's own seat is always admitted; everybody else's follows the visit.
UPDATE records.visit_seats SET admitted = $3::boolean
 WHERE region_id = $1::bigint AND visit_id = $2::bigint AND removed_at IS NULL AND role <> 'doctor';

-- name: seats_close   ($1 region, $2 visits[])
UPDATE records.visit_seats SET admitted = false WHERE region_id = $1::bigint AND visit_id = ANY ($2::bigint[]) AND admitted;

-- name: order_ids_patient   ($1 region, $2 person, $3 only over, $4 today)
SELECT id FROM scheduling.orders
 WHERE region_id = $1::bigint AND person_id = $2::bigint
   AND (NOT $3::boolean OR state IN ('closed', 'cancelled', 'expired', 'no_show'))
   AND ($4::date IS NULL OR (created_at AT TIME ZONE interval '+08:00')::date = $4::date OR slot_day = $4::date)
 ORDER BY created_at DESC LIMIT 200;

-- name: order_ids_doctor   ($1 region, $2 staff, $3 only over, $4 today)
-- What he has in hand comes first, by the time it is due.
SELECT id FROM scheduling.orders
 WHERE region_id = $1::bigint AND doctor_id = $2::bigint
   AND ($3::boolean = (state IN ('closed', 'cancelled', 'expired', 'no_show')) OR $4::date IS NOT NULL)
   AND ($4::date IS NULL OR slot_day = $4::date OR (claimed_at AT TIME ZONE interval '+08:00')::date = $4::date
        OR state IN ('claimed', 'waiting', 'live', 'documenting'))
 ORDER BY state IN ('closed', 'cancelled', 'expired', 'no_show'), coalesce(queued_at, created_at) DESC LIMIT 200;

-- name: order_ids_inviting   ($1 region, $2 tenant, $3 staff or 0, $4 only over, $5 today)
SELECT id FROM scheduling.orders
 WHERE region_id = $1::bigint AND inviting_tenant_id = $2::bigint AND ($3::bigint = 0 OR inviting_staff_id = $3::bigint)
   AND (NOT $4::boolean OR state IN ('closed', 'cancelled', 'expired', 'no_show'))
   AND ($5::date IS NULL OR (created_at AT TIME ZONE interval '+08:00')::date = $5::date)
 ORDER BY created_at DESC LIMIT 200;

-- name: order_ids_owner   ($1 region, $2 tenant or 0, $3 only over, $4 today)
SELECT id FROM scheduling.orders
 WHERE region_id = $1::bigint AND ($2::bigint = 0 OR tenant_id = $2::bigint OR doctor_tenant_id = $2::bigint)
   AND (NOT $3::boolean OR state IN ('closed', 'cancelled', 'expired', 'no_show'))
   AND ($4::date IS NULL OR (created_at AT TIME ZONE interval '+08:00')::date = $4::date OR slot_day = $4::date)
 ORDER BY created_at DESC LIMIT 200;

-- name: note_insert   ($1 region, $2 visit, $3 version, $4 tenant, $5 staff, $6 code, $7 diagnosis, $8 text, $9 advice, $10 now)
INSERT INTO records.visit_notes (region_id, visit_id, version, tenant_id, staff_id, diagnosis_code, diagnosis_text, text, advice,
                                 written_at)
VALUES ($1::bigint, $2::bigint, $3::int, $4::bigint, $5::bigint, $6, $7, $8, $9, $10::timestamptz);
