-- Every statement runs under the caller's scope: row security decides what is there for him.

-- name: web_find   ($1 region, $2 study uid, $3 series uid or null, $4 the caller's house, $5 his staff id)
-- Two houses may hold a study of one UID; the caller's own comes first.
WITH st AS (
    SELECT s.id, s.tenant_id, s.person_id
      FROM records.studies s
     WHERE s.region_id = $1::bigint AND s.study_uid = $2
     ORDER BY s.tenant_id = $4::bigint DESC, s.first_at DESC, s.id DESC LIMIT 1
)
SELECT st.id, st.tenant_id, coalesce(st.person_id, 0),
       coalesce((SELECT f.name FROM records.staff f WHERE f.region_id = $1::bigint AND f.id = $5::bigint), ''),
       se.id, se.series_uid, se.version,
       i.id, i.sop_uid, i.sop_class, i.transfer_syntax, coalesce(i.number, 0), i.path, i.index_path, i.bytes, i.frames
  FROM st
  JOIN dicom.series se ON se.region_id = $1::bigint AND se.study_id = st.id AND ($3::text IS NULL OR se.series_uid = $3)
  JOIN dicom.instances i ON i.region_id = $1::bigint AND i.series_id = se.id
 ORDER BY se.number NULLS LAST, se.id, i.number NULLS LAST, i.id
;

-- name: web_staff_name   ($1 region, $2 staff)
SELECT name FROM records.staff WHERE region_id = $1::bigint AND id = $2::bigint
;

-- The keys of a study are the same in all three:
--   $2 study uids   $3 name (LIKE)   $4 patient no   $5 accession   $6, $7 date from, to   $8 modalities   $9 description
--   $10 sex         $11, $12 born from, to ("YYYYMMDD" as sent)
-- A name is found by any of its groups (Wang^XiaoDong=王^小东), also without its carets. What is LIKE has its own characters
-- escaped before (web_query.c).

-- name: qido_studies   ($1 region, $2 … $12 study, $13 at most, $14 from)
SELECT s.study_uid, s.patient_name, s.patient_no, s.patient_sex, s.patient_birth, s.accession_no, s.description,
       to_char(s.study_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD'), to_char(s.study_at AT TIME ZONE 'Asia/Shanghai', 'HH24MISS'),
       s.n_series, s.n_instances,
       coalesce((SELECT string_agg(DISTINCT se.modality, ',' ORDER BY se.modality) FROM dicom.series se
                  WHERE se.region_id = $1::bigint AND se.study_id = s.id AND se.modality <> ''), s.modality)
  FROM records.studies s
 WHERE s.region_id = $1::bigint
   AND ($2::text[] IS NULL OR s.study_uid = ANY ($2::text[]))
   AND ($3::text IS NULL OR EXISTS (SELECT 1 FROM unnest(string_to_array(lower(s.patient_name), '=') || lower(s.patient_name)) g
                                     WHERE g LIKE lower($3) OR replace(g, '^', '') LIKE lower($3)))
   AND ($4::text IS NULL OR s.patient_no LIKE $4)
   AND ($5::text IS NULL OR s.accession_no LIKE $5)
   AND ($6::date IS NULL OR (s.study_at AT TIME ZONE 'Asia/Shanghai')::date >= $6::date)
   AND ($7::date IS NULL OR (s.study_at AT TIME ZONE 'Asia/Shanghai')::date <= $7::date)
   AND ($8::text[] IS NULL OR EXISTS (SELECT 1 FROM dicom.series se WHERE se.region_id = $1::bigint AND se.study_id = s.id
                                         AND se.modality = ANY ($8::text[])))
   AND ($9::text IS NULL OR lower(s.description) LIKE lower($9))
   AND ($10::text IS NULL OR s.patient_sex = $10)
   AND ($11::text IS NULL OR s.patient_birth >= $11)
   AND ($12::text IS NULL OR s.patient_birth BETWEEN '00000000' AND $12)
 ORDER BY s.first_at DESC, s.id DESC LIMIT $13::int OFFSET $14::int
;

-- name: qido_series   ($1 region, $2 … $12 study, $13 series uids, $14 modalities, $15 number, $16 description, $17 at most, $18 from)
SELECT s.study_uid, s.patient_name, s.patient_no, s.patient_sex, s.patient_birth, s.accession_no, s.description,
       to_char(s.study_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD'), to_char(s.study_at AT TIME ZONE 'Asia/Shanghai', 'HH24MISS'),
       s.n_series, s.n_instances, '',
       se.series_uid, se.modality, se.number, se.description, se.body_part, se.n_instances
  FROM records.studies s
  JOIN dicom.series se ON se.region_id = $1::bigint AND se.study_id = s.id
 WHERE s.region_id = $1::bigint
   AND ($2::text[] IS NULL OR s.study_uid = ANY ($2::text[]))
   AND ($3::text IS NULL OR EXISTS (SELECT 1 FROM unnest(string_to_array(lower(s.patient_name), '=') || lower(s.patient_name)) g
                                     WHERE g LIKE lower($3) OR replace(g, '^', '') LIKE lower($3)))
   AND ($4::text IS NULL OR s.patient_no LIKE $4)
   AND ($5::text IS NULL OR s.accession_no LIKE $5)
   AND ($6::date IS NULL OR (s.study_at AT TIME ZONE 'Asia/Shanghai')::date >= $6::date)
   AND ($7::date IS NULL OR (s.study_at AT TIME ZONE 'Asia/Shanghai')::date <= $7::date)
   AND ($8::text[] IS NULL OR EXISTS (SELECT 1 FROM dicom.series o WHERE o.region_id = $1::bigint AND o.study_id = s.id
                                         AND o.modality = ANY ($8::text[])))
   AND ($9::text IS NULL OR lower(s.description) LIKE lower($9))
   AND ($10::text IS NULL OR s.patient_sex = $10)
   AND ($11::text IS NULL OR s.patient_birth >= $11)
   AND ($12::text IS NULL OR s.patient_birth BETWEEN '00000000' AND $12)
   AND ($13::text[] IS NULL OR se.series_uid = ANY ($13::text[]))
   AND ($14::text[] IS NULL OR se.modality = ANY ($14::text[]))
   AND ($15::int IS NULL OR se.number = $15::int)
   AND ($16::text IS NULL OR lower(se.description) LIKE lower($16))
 ORDER BY s.first_at DESC, s.id DESC, se.number NULLS LAST, se.id LIMIT $17::int OFFSET $18::int
;

-- name: qido_instances   ($1 region, $2 … $12 study, $13 … $16 series, $17 uids, $18 classes, $19 number, $20 at most, $21 from)
SELECT s.study_uid, s.patient_name, s.patient_no, s.patient_sex, s.patient_birth, s.accession_no, s.description,
       to_char(s.study_at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD'), to_char(s.study_at AT TIME ZONE 'Asia/Shanghai', 'HH24MISS'),
       s.n_series, s.n_instances, '',
       se.series_uid, se.modality, se.number, se.description, se.body_part, se.n_instances,
       i.sop_uid, i.sop_class, i.number, i.rows, i.cols, i.bits_allocated, i.frames, i.transfer_syntax
  FROM records.studies s
  JOIN dicom.series se ON se.region_id = $1::bigint AND se.study_id = s.id
  JOIN dicom.instances i ON i.region_id = $1::bigint AND i.series_id = se.id
 WHERE s.region_id = $1::bigint
   AND ($2::text[] IS NULL OR s.study_uid = ANY ($2::text[]))
   AND ($3::text IS NULL OR EXISTS (SELECT 1 FROM unnest(string_to_array(lower(s.patient_name), '=') || lower(s.patient_name)) g
                                     WHERE g LIKE lower($3) OR replace(g, '^', '') LIKE lower($3)))
   AND ($4::text IS NULL OR s.patient_no LIKE $4)
   AND ($5::text IS NULL OR s.accession_no LIKE $5)
   AND ($6::date IS NULL OR (s.study_at AT TIME ZONE 'Asia/Shanghai')::date >= $6::date)
   AND ($7::date IS NULL OR (s.study_at AT TIME ZONE 'Asia/Shanghai')::date <= $7::date)
   AND ($8::text[] IS NULL OR EXISTS (SELECT 1 FROM dicom.series o WHERE o.region_id = $1::bigint AND o.study_id = s.id
                                         AND o.modality = ANY ($8::text[])))
   AND ($9::text IS NULL OR lower(s.description) LIKE lower($9))
   AND ($10::text IS NULL OR s.patient_sex = $10)
   AND ($11::text IS NULL OR s.patient_birth >= $11)
   AND ($12::text IS NULL OR s.patient_birth BETWEEN '00000000' AND $12)
   AND ($13::text[] IS NULL OR se.series_uid = ANY ($13::text[]))
   AND ($14::text[] IS NULL OR se.modality = ANY ($14::text[]))
   AND ($15::int IS NULL OR se.number = $15::int)
   AND ($16::text IS NULL OR lower(se.description) LIKE lower($16))
   AND ($17::text[] IS NULL OR i.sop_uid = ANY ($17::text[]))
   AND ($18::text[] IS NULL OR i.sop_class = ANY ($18::text[]))
   AND ($19::int IS NULL OR i.number = $19::int)
 ORDER BY s.first_at DESC, s.id DESC, se.number NULLS LAST, se.id, i.number NULLS LAST, i.id LIMIT $20::int OFFSET $21::int
