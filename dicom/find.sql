-- Columns of each statement stand in the order of its table in find.c. Asked for the house the machine works for (actor 0), which
-- has sight of whatever its people were let see; a machine finds what its own house sent and nothing else, so each says so.

-- name: find_worklist   ($1 region, $2 accession or NULL, $3 patient id or NULL, $4 modality or NULL, $5 from day or NULL, $6 to day or NULL)
-- Exams that were ordered and have no image yet, oldest first. Days are Shanghai's.
SELECT e.id, p.name, e.person_id::text, to_char(p.birth_date, 'YYYYMMDD'), CASE p.sex WHEN 'female' THEN 'F' WHEN 'male' THEN 'M' ELSE 'O' END,
       e.accession_no, coalesce(s.name, ''), e.procedure, e.question, e.modality,
       to_char(e.ordered_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD'), to_char(e.ordered_at AT TIME ZONE 'Asia/Shanghai', 'HH24MISS'),
       CASE e.urgency WHEN 'emergency' THEN 'STAT' WHEN 'urgent' THEN 'HIGH' ELSE 'ROUTINE' END, o.name
  FROM records.exams e
  JOIN records.persons p ON p.region_id = e.region_id AND p.id = e.person_id
  JOIN records.organisations o ON o.region_id = e.region_id AND o.id = e.tenant_id
  LEFT JOIN records.staff s ON s.region_id = e.region_id AND s.id = e.ordered_by
 WHERE e.region_id = $1::bigint AND e.tenant_id = (SELECT records.ctx_tenant()) AND e.state = 'ordered'
   AND ($2::text IS NULL OR e.accession_no = $2) AND ($3::text IS NULL OR e.person_id::text = $3)
   AND ($4::text IS NULL OR e.modality = $4)
   AND ($5::text IS NULL OR to_char(e.ordered_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD') >= $5)
   AND ($6::text IS NULL OR to_char(e.ordered_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD') <= $6)
 ORDER BY e.ordered_at, e.id LIMIT 10000;

-- name: find_studies   ($1 region, $2 accession or NULL, $3 patient id or NULL, $4 study uids or NULL, $5 from day or NULL, $6 to day or NULL)
SELECT s.id, s.study_uid, s.patient_name, s.patient_no, s.patient_birth, s.patient_sex, s.accession_no, s.description,
       to_char(s.study_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD'), to_char(s.study_at AT TIME ZONE 'Asia/Shanghai', 'HH24MISS'),
       (SELECT string_agg(DISTINCT x.modality, '\' ORDER BY x.modality) FROM dicom.series x
         WHERE x.region_id = s.region_id AND x.study_id = s.id AND x.modality <> ''),
       s.n_series::text, s.n_instances::text
  FROM records.studies s
 WHERE s.region_id = $1::bigint AND s.tenant_id = (SELECT records.ctx_tenant()) AND s.state <> 'returned'
   AND ($2::text IS NULL OR s.accession_no = $2) AND ($3::text IS NULL OR s.patient_no = $3)
   AND ($4::text[] IS NULL OR s.study_uid = ANY ($4::text[]))
   AND ($5::text IS NULL OR to_char(s.study_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD') >= $5)
   AND ($6::text IS NULL OR to_char(s.study_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD') <= $6)
 ORDER BY s.first_at DESC, s.id DESC LIMIT 10000;

-- name: find_series   ($1 region, $2 study uids)
SELECT x.id, s.study_uid, x.series_uid, x.modality, x.number::text, x.description, x.body_part, x.n_instances::text
  FROM dicom.series x JOIN records.studies s ON s.region_id = x.region_id AND s.id = x.study_id
 WHERE x.region_id = $1::bigint AND s.tenant_id = (SELECT records.ctx_tenant()) AND s.study_uid = ANY ($2::text[]) AND s.state <> 'returned'
 ORDER BY x.study_id, x.number, x.id LIMIT 10000;

-- name: find_instances   ($1 region, $2 study uids, $3 series uids)
SELECT i.id, s.study_uid, x.series_uid, i.sop_uid, i.sop_class, i.number::text, i.rows::text, i.cols::text,
       CASE WHEN i.frames > 1 THEN i.frames::text ELSE '' END, i.transfer_syntax
  FROM dicom.instances i
  JOIN dicom.series x ON x.region_id = i.region_id AND x.id = i.series_id
  JOIN records.studies s ON s.region_id = i.region_id AND s.id = i.study_id
 WHERE i.region_id = $1::bigint AND s.tenant_id = (SELECT records.ctx_tenant()) AND s.study_uid = ANY ($2::text[]) AND x.series_uid = ANY ($3::text[]) AND s.state <> 'returned'
 ORDER BY i.series_id, i.number, i.id LIMIT 10000;
