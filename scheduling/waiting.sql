-- Lines before doctors, and how long visits have been.

-- name: waiting_lines   ($1 region, $2 doctors[])
SELECT o.doctor_id, o.id, o.tenant_id, o.urgency, p.birth_date::text, o.channel, coalesce(s.starts_at, o.queued_at, o.created_at),
       o.state, coalesce(d.on_duty, false),
       CASE WHEN s.starts_at IS NOT NULL THEN s.starts_at - c.waiting_room_opens_s * interval '1 second' END,
       (SELECT string_agg(a.id::text, ',') FROM records.accounts a
         WHERE a.region_id = o.region_id AND (a.person_id = o.person_id OR a.staff_id = o.inviting_staff_id))
  FROM scheduling.orders o
  JOIN records.persons p ON p.region_id = o.region_id AND p.id = o.person_id
  LEFT JOIN scheduling.slots s ON s.region_id = o.region_id AND s.id = o.slot_id
  LEFT JOIN scheduling.clinics c ON c.region_id = o.region_id AND c.id = o.clinic_id
  LEFT JOIN scheduling.duty d ON d.region_id = o.region_id AND d.staff_id = o.doctor_id
 WHERE o.region_id = $1::bigint AND o.doctor_id = ANY ($2::bigint[]) AND o.state IN ('claimed', 'waiting', 'live')
 ORDER BY o.doctor_id, o.id;

-- name: waiting_lengths   ($1 region, $2 doctors[])
-- The last ten visits of each doctor, in µs.
SELECT x.doctor_id, (extract(epoch FROM x.ended_at - x.live_at) * 1000000)::bigint
  FROM unnest($2::bigint[]) AS d (doctor_id)
 CROSS JOIN LATERAL (SELECT o.doctor_id, o.ended_at, o.live_at FROM scheduling.orders o
                      WHERE o.region_id = $1::bigint AND o.doctor_id = d.doctor_id AND o.ended_at IS NOT NULL
                      ORDER BY o.claimed_at DESC NULLS LAST, o.id DESC LIMIT 10) x;

-- name: waiting_pool   ($1 region, $2 specialty, $3 care level)
SELECT o.id, o.urgency, p.birth_date::text, o.channel, o.queued_at
  FROM scheduling.orders o
  JOIN records.persons p ON p.region_id = o.region_id AND p.id = o.person_id
 WHERE o.region_id = $1::bigint AND o.specialty = $2 AND o.care_level = $3 AND o.state = 'pooled'
 ORDER BY o.queued_at LIMIT 2000;
