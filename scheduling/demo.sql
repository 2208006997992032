-- Clinics, the offer policy, and a draft session for today; run after records/demo.sql, again at any time.

INSERT INTO scheduling.clinics (region_id, id, tenant_id, name, department, specialty) VALUES
    (150000, 41, 31, '演示全科云诊室 Demo General Cloud Clinic',     '全科', 'general'),
    (150000, 42, 32, '演示心内科云诊室 Demo Cardiology Cloud Clinic', '心内科', 'cardiology')
ON CONFLICT DO NOTHING;

-- One circle that shows every order to all eligible doctors on duty at once.
INSERT INTO scheduling.offer_policies (region_id, queue, tenant_id, shape, circles, circle_s, hand_max, serve_s, serve_urgent_s)
VALUES (150000, '*', 1, 'levels', '{0}', '{0}', 5, 180, 60)
ON CONFLICT DO NOTHING;

-- Today's sessions lie ready as drafts from this hour on; the office publishes them. One set per day of loading.
INSERT INTO scheduling.roster_sessions (region_id, id, tenant_id, clinic_id, staff_id, day, starts_at, ends_at, slot_minutes,
                                        capacity_per_slot, kinds, created_by, created_at)
SELECT 150000, s.base + (t.start_at AT TIME ZONE 'Asia/Shanghai')::date - DATE '2024-01-01', s.tenant_id, s.clinic_id, s.staff_id,
       (t.start_at AT TIME ZONE 'Asia/Shanghai')::date, t.start_at, t.start_at + interval '10 hours', 10, 2,
       '{follow_up,first_visit}', s.account_id, now()
  FROM (SELECT date_trunc('hour', now()) AS start_at) t,
       (VALUES (410000, 31, 41, 201, 317), (420000, 32, 42, 203, 322)) AS s (base, tenant_id, clinic_id, staff_id, account_id)
ON CONFLICT DO NOTHING;

INSERT INTO scheduling.slots (region_id, id, tenant_id, session_id, clinic_id, staff_id, starts_at, ends_at, day, cap)
SELECT r.region_id, r.id * 1000 + n, r.tenant_id, r.id, r.clinic_id, r.staff_id,
       r.starts_at + n * make_interval(mins => r.slot_minutes), r.starts_at + (n + 1) * make_interval(mins => r.slot_minutes),
       ((r.starts_at + n * make_interval(mins => r.slot_minutes)) AT TIME ZONE 'Asia/Shanghai')::date, r.capacity_per_slot
  FROM scheduling.roster_sessions r,
       generate_series(0, (extract(epoch FROM r.ends_at - r.starts_at) / 60 / r.slot_minutes)::int - 1) n
 WHERE r.region_id = 150000 AND r.state = 'draft' AND r.id BETWEEN 410000 AND 429999
ON CONFLICT DO NOTHING;
