-- What a reader does with an exam in his hands.

-- name: draft_save   ($1 region, $2 exam, $3 staff, $4 tenant, $5 draft version seen, $6 findings, $7 impression, $8 template, $9 now)
-- Nothing when another window has saved since.
INSERT INTO scheduling.read_drafts AS d (region_id, exam_id, staff_id, tenant_id, draft_version, findings, impression, template,
                                         saved_at)
SELECT $1::bigint, $2::bigint, $3::bigint, $4::bigint, 1, $6, $7, $8, $9::timestamptz
 WHERE $5::int = 0 OR EXISTS (SELECT 1 FROM scheduling.read_drafts x
                               WHERE x.region_id = $1::bigint AND x.exam_id = $2::bigint AND x.staff_id = $3::bigint)
ON CONFLICT (region_id, exam_id, staff_id) DO UPDATE
   SET draft_version = d.draft_version + 1, findings = excluded.findings, impression = excluded.impression,
       template = excluded.template, saved_at = excluded.saved_at
 WHERE d.draft_version = $5::int
RETURNING draft_version;

-- name: exam_priors   ($1 region, $2 person, $3 this exam)
-- Earlier exams of the person that have pictures, with the newest text.
SELECT e.id, s.study_uid, e.modality, e.procedure, coalesce(s.study_at, s.first_at), e.state, r.version, r.impression, r.findings
  FROM records.exams e
  JOIN records.studies s ON s.region_id = e.region_id AND s.id = e.study_id
  LEFT JOIN records.reports r ON r.region_id = e.region_id AND r.exam_id = e.id AND r.version = e.report_version
 WHERE e.region_id = $1::bigint AND e.person_id = $2::bigint AND e.id <> $3::bigint AND e.state <> 'cancelled'
 ORDER BY coalesce(s.study_at, s.first_at) DESC LIMIT 50;

-- name: templates   ($1 region, $2 modality or '')
SELECT t.id, t.modality, t.title, t.findings, t.impression FROM scheduling.report_templates t
 WHERE t.region_id = $1::bigint AND ($2 = '' OR t.modality = $2)
 ORDER BY t.modality, t.place, t.id LIMIT 200;
