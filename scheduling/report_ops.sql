-- Signed reports.

-- name: reader_may_sign   ($1 region, $2 staff, $3 today)
-- Licence valid on the database's day; title and name as they are now.
SELECT s.state = 'active' AND coalesce($3::date BETWEEN s.licence_from AND s.licence_until, false), s.name
  FROM records.staff s WHERE s.region_id = $1::bigint AND s.id = $2::bigint;

-- name: report_last   ($1 region, $2 exam)
-- The version before the one to be signed, and what critical finding was raised.
SELECT coalesce(r.version, 0), encode(r.content_hash, 'hex'),
       (SELECT a.finding FROM scheduling.alerts a WHERE a.region_id = $1::bigint AND a.exam_id = $2::bigint
         ORDER BY a.id DESC LIMIT 1)
  FROM (SELECT 1) one
  LEFT JOIN LATERAL (SELECT x.version, x.content_hash FROM records.reports x
                      WHERE x.region_id = $1::bigint AND x.exam_id = $2::bigint ORDER BY x.version DESC LIMIT 1) r ON true;

-- name: report_insert   ($1 region, $2 epoch, $3 row, $4 prev hash, $5 hash, $6 key, $7 signature)
INSERT INTO records.reports (region_id, exam_id, version, tenant_id, person_id, study_uid, accession_no, author_tenant_id, staff_id,
       staff_name, kind, findings, impression, critical_finding, template, reason, written_at, signed_at, code, prev_hash,
       content_hash, public_key, signature)
SELECT $1::bigint, r.exam_id, r.version, r.tenant_id, r.person_id, r.study_uid, r.accession_no, r.author_tenant_id, r.staff_id,
       r.staff_name, r.kind, r.findings, r.impression, r.critical_finding, r.template, r.reason, r.written_at, r.signed_at, r.code,
       $4::bytea, $5::bytea, $6::bytea, $7::bytea
  FROM json_to_record($3::json) AS r (exam_id bigint, version int, tenant_id bigint, person_id bigint, study_uid text,
       accession_no text, author_tenant_id bigint, staff_id bigint, staff_name text, kind text, findings text, impression text,
       critical_finding text, template text, reason text, written_at timestamptz, signed_at timestamptz, code text)
 WHERE EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
RETURNING version;

-- name: report_versions   ($1 region, $2 exam)
SELECT r.version, r.kind, r.findings, r.impression, r.critical_finding, r.template, r.signed_at, r.staff_name, o.name, r.reason,
       r.code, encode(r.content_hash, 'hex')
  FROM records.reports r
  JOIN records.organisations o ON o.region_id = r.region_id AND o.id = r.author_tenant_id
 WHERE r.region_id = $1::bigint AND r.exam_id = $2::bigint
 ORDER BY r.version DESC LIMIT 100;
