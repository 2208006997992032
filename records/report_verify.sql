-- Signed reports, all of them, version by version.

-- name: report_rows   ($1 after region, $2 after exam, $3 after version, $4 at most)
SELECT r.region_id, r.exam_id, r.version, r.tenant_id, r.person_id, r.study_uid, r.accession_no, r.author_tenant_id, r.staff_id,
       r.staff_name, r.kind, r.findings, r.impression, r.critical_finding, r.template, r.reason,
       (extract(epoch FROM r.written_at) * 1000000)::bigint, (extract(epoch FROM r.signed_at) * 1000000)::bigint, r.code,
       encode(r.prev_hash, 'hex'), encode(r.content_hash, 'hex'), encode(r.public_key, 'hex'), encode(r.signature, 'hex')
  FROM records.reports r
 WHERE (r.region_id, r.exam_id, r.version) > ($1::bigint, $2::bigint, $3::int)
 ORDER BY r.region_id, r.exam_id, r.version LIMIT $4::int;

-- name: report_heads
-- Exams whose newest version is not the one that is there: region_id by region_id, the first such exam.
SELECT e.region_id, e.id, e.report_version
  FROM records.exams e
 WHERE e.report_version IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM records.reports r WHERE r.region_id = e.region_id AND r.exam_id = e.id AND r.version = e.report_version)
 ORDER BY e.region_id, e.id LIMIT 1;
