-- Critical values and their pages.

-- name: page_targets   ($1 region, $2 exam, $3 from step)
-- Every step of the ladder from there on that reaches somebody, with its accounts. The township doctor is who ordered, or, when
-- the visit's doctor ordered, who accompanies.
SELECT p.step, p.minutes, p.repeat_s, string_agg(DISTINCT a.id::text, ',')
  FROM scheduling.page_steps p
  JOIN records.exams e ON e.region_id = p.region_id AND e.id = $2::bigint
  LEFT JOIN scheduling.orders o ON o.region_id = e.region_id AND o.visit_id = e.visit_id
  LEFT JOIN records.staff ob ON ob.region_id = e.region_id AND ob.id = e.ordered_by
  JOIN records.accounts a ON a.region_id = p.region_id AND a.state = 'active' AND a.staff_id IS NOT NULL
   AND CASE p.whom
       WHEN 'ordering_doctor' THEN a.staff_id = CASE WHEN ob.tenant_id = e.tenant_id THEN e.ordered_by
                                                     ELSE coalesce(o.inviting_staff_id, e.ordered_by) END
       WHEN 'visit_doctor' THEN a.staff_id = o.doctor_id
       WHEN 'township_operators' THEN a.tenant_id = e.tenant_id
            AND EXISTS (SELECT 1 FROM records.account_roles r WHERE r.region_id = a.region_id AND r.account_id = a.id
                           AND r.role = 'operator')
       ELSE EXISTS (SELECT 1 FROM records.organisations g WHERE g.region_id = a.region_id AND g.id = a.tenant_id
                       AND g.kind = 'region_platform')
            AND EXISTS (SELECT 1 FROM records.account_roles r WHERE r.region_id = a.region_id AND r.account_id = a.id
                           AND r.role = 'coordinator')
       END
 WHERE p.region_id = $1::bigint AND p.step >= $3::int
 GROUP BY p.step, p.minutes, p.repeat_s
 ORDER BY p.step;

-- name: alert_insert   ($1 region, $2 epoch, $3 now, $4 row, $5 to accounts[])
INSERT INTO scheduling.alerts (region_id, id, tenant_id, exam_id, visit_id, person_id, finding, raised_by, raised_at, step, step_at,
                               to_accounts, pages, next_at)
SELECT $1::bigint, r.id, r.tenant_id, r.exam_id, r.visit_id, r.person_id, r.finding, r.raised_by, $3::timestamptz, r.step,
       $3::timestamptz, $5::bigint[], 1, $3::timestamptz + r.repeat_s * interval '1 second'
  FROM json_to_record($4::json) AS r (id bigint, tenant_id bigint, exam_id bigint, visit_id bigint, person_id bigint, finding text,
       raised_by bigint, step int, repeat_s int)
 WHERE EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
RETURNING id;

-- name: alert_pages_insert   ($1 region, $2 now, $3 alert, $4 round, $5 step, $6 accounts[], $7 tenant)
INSERT INTO scheduling.alert_pages (region_id, alert_id, round, account_id, tenant_id, step, at)
SELECT $1::bigint, $3::bigint, $4::int, a.id, $7::bigint, $5::int, $2::timestamptz FROM unnest($6::bigint[]) AS a (id)
 WHERE $1::bigint IS NOT NULL; -- region_id

-- name: alerts_due   ($1 region, $2 now)
-- Unacknowledged and not paged for as long as its step says.
SELECT a.id, a.exam_id, a.step, a.step_at, a.pages, a.finding, a.raised_at, a.tenant_id FROM scheduling.alerts a
 WHERE a.region_id = $1::bigint AND a.acknowledged_at IS NULL AND a.next_at <= $2::timestamptz
 ORDER BY a.next_at LIMIT 64;

-- name: alert_page   ($1 region, $2 epoch, $3 now, $4 alert, $5 pages seen, $6 step, $7 new step, $8 to accounts[], $9 repeat_s)
UPDATE scheduling.alerts
   SET step = $6::int, step_at = CASE WHEN $7::boolean THEN $3::timestamptz ELSE step_at END, to_accounts = $8::bigint[],
       pages = pages + 1, next_at = $3::timestamptz + $9::int * interval '1 second'
 WHERE region_id = $1::bigint AND id = $4::bigint AND pages = $5::int AND acknowledged_at IS NULL
   AND EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
RETURNING id;

-- name: alert_acknowledge   ($1 region, $2 epoch, $3 now, $4 alert, $5 account, $6 note)
UPDATE scheduling.alerts SET acknowledged_at = $3::timestamptz, acknowledged_by = $5::bigint, note = $6, next_at = NULL
 WHERE region_id = $1::bigint AND id = $4::bigint AND acknowledged_at IS NULL
   AND EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
RETURNING id;

-- name: alert_ids   ($1 region, $2 account)
-- Open ones this account was paged about, at whatever step.
SELECT a.id FROM scheduling.alerts a
 WHERE a.region_id = $1::bigint AND a.acknowledged_at IS NULL
   AND EXISTS (SELECT 1 FROM scheduling.alert_pages p WHERE p.region_id = a.region_id AND p.alert_id = a.id
                  AND p.account_id = $2::bigint)
 ORDER BY a.raised_at DESC LIMIT 100;

-- name: alert_load   ($1 region, $2 ids[], $3 asking account)
SELECT a.id, a.exam_id, a.visit_id, e.modality, e.procedure, p.name, a.finding, a.raised_at, rb.name, a.step, a.acknowledged_at,
       ab.name, a.note, a.tenant_id, a.person_id, a.acknowledged_by,
       EXISTS (SELECT 1 FROM scheduling.alert_pages g WHERE g.region_id = a.region_id AND g.alert_id = a.id
                  AND g.account_id = $3::bigint),
       (SELECT string_agg(DISTINCT g.account_id::text, ',') FROM scheduling.alert_pages g
         WHERE g.region_id = a.region_id AND g.alert_id = a.id)
  FROM scheduling.alerts a
  JOIN records.exams e ON e.region_id = a.region_id AND e.id = a.exam_id
  JOIN records.persons p ON p.region_id = a.region_id AND p.id = a.person_id
  LEFT JOIN records.staff rb ON rb.region_id = a.region_id AND rb.id = a.raised_by
  LEFT JOIN records.accounts ab ON ab.region_id = a.region_id AND ab.id = a.acknowledged_by
 WHERE a.region_id = $1::bigint AND a.id = ANY ($2::bigint[])
 ORDER BY a.raised_at DESC;
