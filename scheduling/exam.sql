-- Exams: reading them whole, moving them along the table of exam_fsm.c, making them.

-- name: exam_load   ($1 region, $2 ids[])
SELECT e.id, e.tenant_id, e.visit_id, e.person_id, e.version, e.state, e.accession_no, e.age_band, e.sex, e.kind, e.modality,
       e.procedure, e.question, e.urgency, p.name, p.birth_date::text, t.name, ob.name, e.ordered_by, e.reader_id,
       e.reader_tenant_id, rd.name, rt.name, o.doctor_id, e.study_id, e.retake_of,
       (SELECT x.id FROM records.exams x WHERE x.region_id = e.region_id AND x.retake_of = e.id),
       e.ordered_at, e.pooled_at, e.deadline_at, e.claimed_at, e.signed_at, e.delivered_at, e.report_version, e.reject_code,
       e.reject_reason, e.cancel_reason, e.critical, s.study_uid, s.state, s.n_series, s.n_instances, s.bytes,
       d.draft_version, d.findings, d.impression, d.template, d.saved_at,
       (SELECT string_agg(a.id::text, ',') FROM records.accounts a
         WHERE a.region_id = e.region_id AND (a.person_id = e.person_id OR a.staff_id IN (e.ordered_by, o.doctor_id, e.reader_id)))
  FROM records.exams e
  JOIN records.persons p ON p.region_id = e.region_id AND p.id = e.person_id
  JOIN records.organisations t ON t.region_id = e.region_id AND t.id = e.tenant_id
  LEFT JOIN records.staff ob ON ob.region_id = e.region_id AND ob.id = e.ordered_by
  LEFT JOIN records.staff rd ON rd.region_id = e.region_id AND rd.id = e.reader_id
  LEFT JOIN records.organisations rt ON rt.region_id = e.region_id AND rt.id = e.reader_tenant_id
  LEFT JOIN scheduling.orders o ON o.region_id = e.region_id AND o.visit_id = e.visit_id
  LEFT JOIN LATERAL (SELECT * FROM records.studies y WHERE y.region_id = e.region_id AND y.id = e.study_id
                     UNION ALL -- attached a moment ago, not yet taken note of
                     SELECT * FROM records.studies z WHERE z.region_id = e.region_id AND z.exam_id = e.id AND e.study_id IS NULL
                     LIMIT 1) s ON true
  LEFT JOIN scheduling.read_drafts d ON d.region_id = e.region_id AND d.exam_id = e.id AND d.staff_id = e.reader_id
 WHERE e.region_id = $1::bigint AND e.id = ANY ($2::bigint[]);

-- name: exam_move   ($1 region, $2 epoch, $3 now, $4 rows)
-- Every step of every exam but the claim. A row that is not where we saw it does not match: the caller counts. The clock
-- starts once; a return to the pool keeps it.
UPDATE records.exams e
   SET state = w.state_to, version = e.version + 1,
       study_id = CASE WHEN w.state_to = 'ordered' THEN NULL ELSE coalesce(w.study_id, e.study_id) END,
       pooled_at = CASE w.state_to WHEN 'ordered' THEN NULL WHEN 'pooled' THEN coalesce(e.pooled_at, $3::timestamptz)
                   ELSE e.pooled_at END,
       deadline_at = CASE w.state_to WHEN 'ordered' THEN NULL
                     WHEN 'pooled' THEN coalesce(e.deadline_at, $3::timestamptz + interval '1 minute' * coalesce(
                         (SELECT p.turnaround_min FROM scheduling.read_policies p
                           WHERE p.region_id = $1::bigint AND p.modality = e.modality AND p.urgency = e.urgency), 240))
                     ELSE e.deadline_at END,
       reader_id = CASE WHEN w.state_to = 'pooled' THEN NULL ELSE e.reader_id END,
       reader_tenant_id = CASE WHEN w.state_to = 'pooled' THEN NULL ELSE e.reader_tenant_id END,
       claimed_at = CASE WHEN w.state_to = 'pooled' THEN NULL ELSE e.claimed_at END,
       signed_at = CASE WHEN w.state_to = 'delivered' THEN $3::timestamptz ELSE e.signed_at END,
       delivered_at = CASE WHEN w.state_to = 'delivered' THEN $3::timestamptz ELSE e.delivered_at END,
       report_version = coalesce(w.report_version, e.report_version),
       reject_code = CASE WHEN w.state_to = 'rejected' THEN w.code ELSE e.reject_code END,
       reject_reason = CASE WHEN w.state_to = 'rejected' THEN w.reason ELSE e.reject_reason END,
       cancelled_at = CASE WHEN w.state_to = 'cancelled' THEN $3::timestamptz ELSE e.cancelled_at END,
       cancelled_by = CASE WHEN w.state_to = 'cancelled' THEN w.account_id ELSE e.cancelled_by END,
       cancel_reason = CASE WHEN w.state_to = 'cancelled' THEN w.reason ELSE e.cancel_reason END
  FROM json_to_recordset($4::json) AS w (id bigint, version int, state_from text, state_to text, account_id bigint, code text,
       reason text, study_id bigint, report_version int)
 WHERE e.region_id = $1::bigint AND e.id = w.id AND e.version = w.version AND e.state = w.state_from
   AND EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
RETURNING e.id;

-- name: exam_insert   ($1 region, $2 epoch, $3 now, $4 row)
INSERT INTO records.exams (region_id, id, tenant_id, state, accession_no, visit_id, person_id, age_band, sex, kind, modality,
       procedure, question, urgency, ordered_by, ordered_at, retake_of)
SELECT $1::bigint, r.id, r.tenant_id, 'ordered', r.accession_no, r.visit_id, r.person_id, r.age_band, r.sex,
       CASE r.modality WHEN 'ECG' THEN 'ecg' ELSE 'image' END, r.modality, r.procedure, r.question, r.urgency, r.ordered_by,
       $3::timestamptz, r.retake_of
  FROM json_to_record($4::json) AS r (id bigint, tenant_id bigint, accession_no text, visit_id bigint, person_id bigint,
       age_band text, sex text, modality text, procedure text, question text, urgency text, ordered_by bigint, retake_of bigint)
 WHERE EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
RETURNING id;

-- name: exam_critical   ($1 region, $2 epoch, $3 exam, $4 version)
UPDATE records.exams SET critical = true, version = version + 1
 WHERE region_id = $1::bigint AND id = $3::bigint AND version = $4::int
   AND EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
RETURNING id;

-- name: exam_ids_visit   ($1 region, $2 visit)
SELECT id FROM records.exams WHERE region_id = $1::bigint AND visit_id = $2::bigint ORDER BY ordered_at DESC LIMIT 200;

-- name: exam_ids_patient   ($1 region, $2 person, $3 only over)
SELECT id FROM records.exams
 WHERE region_id = $1::bigint AND person_id = $2::bigint
   AND (NOT $3::boolean OR state IN ('delivered', 'amended', 'rejected', 'cancelled'))
 ORDER BY ordered_at DESC LIMIT 200;

-- name: exam_ids_reader   ($1 region, $2 staff, $3 only over)
-- In hand, by what is left of their time; or what he has finished.
SELECT id FROM records.exams
 WHERE region_id = $1::bigint AND reader_id = $2::bigint AND $3::boolean = (state NOT IN ('claimed', 'draft'))
 ORDER BY CASE WHEN $3::boolean THEN NULL ELSE deadline_at END, claimed_at DESC LIMIT 200;

-- name: exam_ids_doctor   ($1 region, $2 staff, $3 only over)
-- What he ordered, and what was ordered in his visits; each newest first along an index of its own.
SELECT x.id FROM (
    (SELECT e.id, e.ordered_at FROM records.exams e
      WHERE e.region_id = $1::bigint AND e.ordered_by = $2::bigint
        AND (NOT $3::boolean OR e.state IN ('delivered', 'amended', 'rejected', 'cancelled'))
      ORDER BY e.ordered_at DESC LIMIT 200)
    UNION
    (SELECT e.id, e.ordered_at FROM scheduling.orders o
       JOIN records.exams e ON e.region_id = o.region_id AND e.visit_id = o.visit_id
      WHERE o.region_id = $1::bigint AND o.doctor_id = $2::bigint
        AND (NOT $3::boolean OR e.state IN ('delivered', 'amended', 'rejected', 'cancelled'))
      ORDER BY o.claimed_at DESC LIMIT 200)) x
 ORDER BY x.ordered_at DESC LIMIT 200;

-- name: exam_ids_tenant   ($1 region, $2 tenant, $3 only over, $4 now)
-- What is under way, and of what is over the last days, or all of it.
SELECT x.id FROM (
    SELECT e.id, e.ordered_at, false AS over FROM records.exams e
     WHERE e.region_id = $1::bigint AND e.tenant_id = $2::bigint AND e.state IN ('ordered', 'acquired', 'uploaded') AND NOT $3::boolean
    UNION ALL
    SELECT e.id, e.ordered_at, false FROM records.exams e
     WHERE e.region_id = $1::bigint AND e.tenant_id = $2::bigint AND e.state = 'pooled' AND NOT $3::boolean
    UNION ALL
    SELECT e.id, e.ordered_at, false FROM records.exams e
     WHERE e.region_id = $1::bigint AND e.tenant_id = $2::bigint AND e.state IN ('claimed', 'draft') AND NOT $3::boolean
    UNION ALL
    (SELECT e.id, e.ordered_at, true FROM records.exams e
      WHERE e.region_id = $1::bigint AND e.tenant_id = $2::bigint AND e.state IN ('delivered', 'amended', 'rejected', 'cancelled')
        AND ($3::boolean OR e.ordered_at > $4::timestamptz - interval '3 days')
      ORDER BY e.ordered_at DESC LIMIT 200)) x
 ORDER BY x.over, x.ordered_at DESC LIMIT 200;

-- name: exam_ids_open   ($1 region)
-- What is under way in the region, the oldest clock first.
SELECT x.id FROM (
    SELECT e.id, e.deadline_at FROM records.exams e WHERE e.region_id = $1::bigint AND e.state IN ('ordered', 'acquired', 'uploaded')
    UNION ALL
    SELECT e.id, e.deadline_at FROM records.exams e WHERE e.region_id = $1::bigint AND e.state = 'pooled'
    UNION ALL
    SELECT e.id, e.deadline_at FROM records.exams e WHERE e.region_id = $1::bigint AND e.state IN ('claimed', 'draft')) x
 ORDER BY x.deadline_at NULLS LAST, x.id LIMIT 200;

-- name: reading_ids   ($1 region, $2 staff, $3 modality or '')
-- What this reader's licence names, most urgent and least remaining time first.
SELECT e.id FROM records.exams e
  JOIN records.staff s ON s.region_id = e.region_id AND s.id = $2::bigint
  JOIN scheduling.read_policies p ON p.region_id = e.region_id AND p.modality = e.modality AND p.urgency = e.urgency
 WHERE e.region_id = $1::bigint AND e.state = 'pooled' AND p.specialty = ANY (s.specialties) AND e.ordered_by <> s.id
   AND ($3 = '' OR e.modality = $3)
 ORDER BY CASE e.urgency WHEN 'emergency' THEN 0 WHEN 'urgent' THEN 1 ELSE 2 END, e.deadline_at, e.id LIMIT 200;

-- name: order_of_visit   ($1 region, $2 visit)
SELECT o.id FROM scheduling.orders o WHERE o.region_id = $1::bigint AND o.visit_id = $2::bigint;
