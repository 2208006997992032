-- paper.sql: what stands on a printed report, as whoever asks; and the one row a code opens.

-- name: paper_of_report   ($1 region, $2 exam, $3 version, 0: the newest)
SELECT r.version, e.report_version, e.tenant_id, e.person_id, e.modality, e.procedure, e.question, e.accession_no,
       coalesce(p.name, ''), coalesce(p.sex, 'unknown'), p.birth_date, a.name, t.name,
       r.findings, r.impression, r.critical_finding, r.reason, r.staff_name,
       (extract(epoch FROM r.signed_at) * 1000000)::bigint, r.code,
       (extract(epoch FROM coalesce(s.study_at, s.first_at)) * 1000000)::bigint
  FROM records.reports r
  JOIN records.exams e ON e.region_id = r.region_id AND e.id = r.exam_id
  JOIN records.organisations a ON a.region_id = r.region_id AND a.id = r.author_tenant_id
  JOIN records.organisations t ON t.region_id = r.region_id AND t.id = r.tenant_id
  LEFT JOIN records.persons p ON p.region_id = r.region_id AND p.id = r.person_id
  LEFT JOIN records.studies s ON s.region_id = e.region_id AND s.id = e.study_id
 WHERE r.region_id = $1::bigint AND r.exam_id = $2::bigint
   AND r.version = CASE WHEN $3::int = 0 THEN e.report_version ELSE $3::int END

-- name: report_of_code   ($1 region, $2 code)
SELECT exam_id, version, tenant_id, person_id, study_uid, accession_no, author_tenant_id, staff_id, staff_name, kind, findings,
       impression, critical_finding, template, reason, written_at_us, signed_at_us, prev_hash, content_hash, public_key,
       signature, newest_version, modality, author_name, examining_name, person_name
  FROM records.report_for_code($1::bigint, $2) WHERE region_id = $1::bigint
