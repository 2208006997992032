-- What came, as rows. Every statement runs for one tenant, as the daemon's own work (actor 0); one thread writes all of them.

-- name: rows_study_make   ($1 region, $2 tenant, $3 now, $4 rows)
INSERT INTO records.studies (region_id, id, tenant_id, study_uid, patient_name, patient_no, patient_sex, patient_birth, accession_no,
                             modality, description, study_at, first_at, last_at, source, charset_note)
SELECT $1::bigint, r.id, $2::bigint, r.study_uid, r.patient_name, r.patient_no, r.patient_sex, r.patient_birth, r.accession_no,
       r.modality, r.description, r.study_at, $3::timestamptz, $3::timestamptz, r.source, r.charset_note
  FROM json_to_recordset($4::json) AS r (id bigint, study_uid text, patient_name text, patient_no text, patient_sex text,
       patient_birth text, accession_no text, modality text, description text, study_at timestamptz, source text, charset_note text)
ON CONFLICT (region_id, tenant_id, study_uid) DO NOTHING;

-- name: rows_study_find   ($1 region, $2 tenant, $3 uids[])
SELECT id, study_uid, patient_no FROM records.studies
 WHERE region_id = $1::bigint AND tenant_id = $2::bigint AND study_uid = ANY ($3::text[]);

-- name: rows_series_make   ($1 region, $2 tenant, $3 now, $4 rows)
INSERT INTO dicom.series (region_id, id, tenant_id, study_id, series_uid, modality, number, description, body_part, first_at)
SELECT $1::bigint, r.id, $2::bigint, r.study_id, r.series_uid, r.modality, r.number, r.description, r.body_part, $3::timestamptz
  FROM json_to_recordset($4::json) AS r (id bigint, study_id bigint, series_uid text, modality text, number integer, description text,
       body_part text)
ON CONFLICT (region_id, study_id, series_uid) DO NOTHING;

-- name: rows_series_find   ($1 region, $2 studies[], $3 uids[])
SELECT id, study_id, series_uid FROM dicom.series
 WHERE region_id = $1::bigint AND study_id = ANY ($2::bigint[]) AND series_uid = ANY ($3::text[]);

-- name: rows_instance_make   ($1 region, $2 tenant, $3 rows)
-- Answers those that are new. The rest is there already, with the same bytes or others: rows_instance_find tells.
INSERT INTO dicom.instances (region_id, id, tenant_id, study_id, series_id, sop_uid, sop_class, transfer_syntax, number, path, index_path,
                             bytes, data_begin, sha256, rows, cols, frames, bits_allocated, received_at, source)
SELECT $1::bigint, r.id, $2::bigint, r.study_id, r.series_id, r.sop_uid, r.sop_class, r.transfer_syntax, r.number, r.path, r.index_path,
       r.bytes, r.data_begin, decode(r.sha256, 'hex'), r.rows, r.cols, r.frames, r.bits_allocated, r.received_at, r.source
  FROM json_to_recordset($3::json) AS r (id bigint, study_id bigint, series_id bigint, sop_uid text, sop_class text,
       transfer_syntax text, number integer, path text, index_path text, bytes bigint, data_begin bigint, sha256 text, rows integer,
       cols integer, frames integer, bits_allocated integer, received_at timestamptz, source text)
ON CONFLICT (region_id, tenant_id, sop_uid) DO NOTHING
RETURNING id;

-- name: rows_instance_find   ($1 region, $2 tenant, $3 uids[])
SELECT id, sop_uid, study_id, encode(sha256, 'hex') FROM dicom.instances
 WHERE region_id = $1::bigint AND tenant_id = $2::bigint AND sop_uid = ANY ($3::text[]);

-- name: rows_count   ($1 region, $2 tenant, $3 now, $4 series ids[], $5 n[])
UPDATE dicom.series s SET n_instances = s.n_instances + c.n, version = s.version + 1
  FROM unnest($4::bigint[], $5::int[]) AS c (id, n)
 WHERE s.region_id = $1::bigint AND s.tenant_id = $2::bigint AND s.id = c.id AND $3::timestamptz IS NOT NULL;

-- name: rows_study_count   ($1 region, $2 tenant, $3 now, $4 study ids[], $5 n[], $6 bytes[])
-- More came: a study that was complete, or sent back, is arriving again.
UPDATE records.studies s
   SET n_instances = s.n_instances + c.n, bytes = s.bytes + c.bytes, last_at = $3::timestamptz, state = 'arriving', return_reason = '',
       n_series = (SELECT count(*) FROM dicom.series x WHERE x.region_id = s.region_id AND x.study_id = s.id)
  FROM unnest($4::bigint[], $5::int[], $6::bigint[]) AS c (id, n, bytes)
 WHERE s.region_id = $1::bigint AND s.tenant_id = $2::bigint AND s.id = c.id;

-- name: rows_attach   ($1 region, $2 tenant, $3 now, $4 study ids[])
-- Accession number of an open exam of the same house, and that exam's person: it is that exam's. One study per exam.
UPDATE records.studies s
   SET exam_id = e.id, visit_id = e.visit_id, person_id = e.person_id, matched = true, matched_at = $3::timestamptz, matched_by = 0,
       mismatch = ''
  FROM (SELECT DISTINCT ON (x.id) x.id, x.visit_id, x.person_id, t.id AS study_id
          FROM records.studies t
          JOIN records.exams x ON x.region_id = t.region_id AND x.tenant_id = t.tenant_id AND x.accession_no = upper(t.accession_no)
           AND x.person_id::text = t.patient_no
         WHERE t.region_id = $1::bigint AND t.tenant_id = $2::bigint AND t.id = ANY ($4::bigint[]) AND NOT t.matched
           AND x.state IN ('ordered', 'acquired', 'uploaded') AND x.study_id IS NULL
           AND NOT EXISTS (SELECT 1 FROM records.studies o WHERE o.region_id = x.region_id AND o.exam_id = x.id)
         ORDER BY x.id, t.first_at, t.id) e
 WHERE s.region_id = $1::bigint AND s.tenant_id = $2::bigint AND s.id = e.study_id
RETURNING s.id;

-- name: rows_mismatch   ($1 region, $2 tenant, $3 study ids[])
-- The number fits, the patient does not: shown so, and left to a person.
UPDATE records.studies s SET mismatch = 'patient_mismatch'
 WHERE s.region_id = $1::bigint AND s.tenant_id = $2::bigint AND s.id = ANY ($3::bigint[]) AND NOT s.matched AND s.mismatch = ''
   AND EXISTS (SELECT 1 FROM records.exams e WHERE e.region_id = s.region_id AND e.tenant_id = s.tenant_id
                AND e.accession_no = upper(s.accession_no) AND e.person_id::text <> s.patient_no);

-- name: rows_complete   ($1 region, $2 tenant, $3 now, $4 study ids[])
UPDATE records.studies SET state = 'complete', complete_at = $3::timestamptz
 WHERE region_id = $1::bigint AND tenant_id = $2::bigint AND id = ANY ($4::bigint[]) AND state = 'arriving'
RETURNING id;

-- name: rows_study_facts   ($1 region, $2 tenant, $3 study ids[])
-- For events and audit rows. The tenants that see the visit hear of its study.
SELECT s.id, coalesce(s.exam_id, 0), coalesce(s.visit_id, 0), coalesce(s.person_id, 0), s.state, s.matched, s.n_instances, s.bytes,
       s.source, s.mismatch,
       coalesce(dicom.visit_tenants(s.region_id, s.visit_id), '')
  FROM records.studies s
 WHERE s.region_id = $1::bigint AND s.tenant_id = $2::bigint AND s.id = ANY ($3::bigint[]);

-- name: rows_arriving   ($1 region)
-- After a start: studies nobody may be sending to any more. Asked for nobody, see the policy dicom_watches.
SELECT id, tenant_id, study_uid FROM records.studies WHERE region_id = $1::bigint AND state = 'arriving';

-- name: rows_quarantine   ($1 region, $2 tenant, $3 rows)
INSERT INTO dicom.quarantine (region_id, id, tenant_id, reason, status, study_uid, sop_uid, sop_class, path, bytes, sha256, source, received_at)
SELECT $1::bigint, r.id, $2::bigint, r.reason, r.status, r.study_uid, r.sop_uid, r.sop_class, r.path, r.bytes, decode(r.sha256, 'hex'),
       r.source, r.received_at
  FROM json_to_recordset($3::json) AS r (id bigint, reason text, status integer, study_uid text, sop_uid text, sop_class text, path text,
       bytes bigint, sha256 text, source text, received_at timestamptz)
ON CONFLICT (region_id, id) DO NOTHING;

-- name: study_known   ($1 region, $2 tenant, $3 sop uid, $4 study uid)
-- Is this instance here already, and with which bytes? And whose is the study it says it belongs to?
SELECT coalesce(encode(i.sha256, 'hex'), ''), coalesce(i.study_id, 0), coalesce(i.id, 0), s.patient_no
  FROM (SELECT 1) one
  LEFT JOIN dicom.instances i ON i.region_id = $1::bigint AND i.tenant_id = $2::bigint AND i.sop_uid = $3
  LEFT JOIN records.studies s ON s.region_id = $1::bigint AND s.tenant_id = $2::bigint AND s.study_uid = $4;

-- ---------------------------------------------------------------- what people do with a study

-- name: study_match_look   ($1 region, $2 tenant, $3 study, $4 exam)
SELECT s.matched, s.state, coalesce(s.exam_id, 0), e.id IS NOT NULL, coalesce(e.state, ''), coalesce(e.study_id, 0),
       EXISTS (SELECT 1 FROM records.studies o WHERE o.region_id = e.region_id AND o.exam_id = e.id AND o.id <> s.id)
  FROM records.studies s
  LEFT JOIN records.exams e ON e.region_id = s.region_id AND e.tenant_id = s.tenant_id AND e.id = $4::bigint
 WHERE s.region_id = $1::bigint AND s.tenant_id = $2::bigint AND s.id = $3::bigint;

-- name: study_match   ($1 region, $2 tenant, $3 study, $4 exam, $5 now, $6 account, $7 reason)
UPDATE records.studies s
   SET exam_id = e.id, visit_id = e.visit_id, person_id = e.person_id, matched = true, matched_at = $5::timestamptz,
       matched_by = $6::bigint, match_reason = $7, mismatch = ''
  FROM records.exams e
 WHERE s.region_id = $1::bigint AND s.tenant_id = $2::bigint AND s.id = $3::bigint AND NOT s.matched AND s.state <> 'returned'
   AND e.region_id = s.region_id AND e.tenant_id = s.tenant_id AND e.id = $4::bigint
   AND e.state IN ('ordered', 'acquired', 'uploaded') AND e.study_id IS NULL
RETURNING s.id;

-- name: study_return   ($1 region, $2 tenant, $3 study, $4 reason)
UPDATE records.studies SET state = 'returned', return_reason = $4
 WHERE region_id = $1::bigint AND tenant_id = $2::bigint AND id = $3::bigint AND NOT matched AND state <> 'returned'
RETURNING id;

-- name: study_list   ($1 region, $2 unmatched only, $3 visit or NULL, $4 tenant of the desk or NULL)
-- Under the caller's own scope: row security decides what there is to see. Newest first.
SELECT id, study_uid, patient_name, patient_no, accession_no, modality, description, study_at, state, matched, mismatch,
       coalesce(exam_id, 0), coalesce(visit_id, 0), n_series, n_instances, bytes, first_at, last_at, complete_at, source, patient_sex,
       patient_birth, return_reason, charset_note
  FROM records.studies
 WHERE region_id = $1::bigint
   AND (NOT $2::boolean OR (NOT matched AND state <> 'returned'))
   AND ($3::bigint IS NULL OR visit_id = $3::bigint)
   AND ($4::bigint IS NULL OR tenant_id = $4::bigint)
 ORDER BY first_at DESC, id DESC LIMIT 200;

-- name: study_one   ($1 region, $2 study)
SELECT id, study_uid, patient_name, patient_no, accession_no, modality, description, study_at, state, matched, mismatch,
       coalesce(exam_id, 0), coalesce(visit_id, 0), n_series, n_instances, bytes, first_at, last_at, complete_at, source, patient_sex,
       patient_birth, return_reason, charset_note
  FROM records.studies WHERE region_id = $1::bigint AND id = $2::bigint;
