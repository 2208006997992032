-- Claims of exams: facts for the judge, then one conditional UPDATE for all winners (claim_run.sql).

-- name: read_claim_facts   ($1 region, $2 today, $3 exams[], $4 readers[], $5 nonces[], of which a read has none)
-- What never waited, or is over, is no exam to a reader who did not read it.
WITH c AS (
    SELECT * FROM unnest($3::bigint[], $4::bigint[], $5::text[]) WITH ORDINALITY AS u (exam_id, staff_id, nonce, rank)
), hands AS (
    SELECT e.reader_id, count(*) AS hand FROM records.exams e
     WHERE e.region_id = $1::bigint AND e.state IN ('claimed', 'draft') AND e.reader_id = ANY ($4::bigint[])
     GROUP BY e.reader_id
)
SELECT CASE WHEN e.state = 'pooled' THEN 'free' WHEN e.state IN ('claimed', 'draft') OR e.reader_id = c.staff_id THEN 'taken'
            ELSE 'absent' END,
       e.version, e.reader_id, true,
       coalesce(s.state = 'active' AND $2::date BETWEEN s.licence_from AND s.licence_until, false),
       coalesce(p.specialty = ANY (s.specialties), false), true, coalesce(e.ordered_by = c.staff_id, false), true, true,
       0, coalesce(hands.hand, 0), coalesce(p.hand_max, 0), 0, e.tenant_id, e.person_id, e.study_id, rd.name
  FROM c
  LEFT JOIN records.exams e ON e.region_id = $1::bigint AND e.id = c.exam_id
  LEFT JOIN records.staff s ON s.region_id = $1::bigint AND s.id = c.staff_id
  LEFT JOIN records.staff rd ON rd.region_id = $1::bigint AND rd.id = e.reader_id
  LEFT JOIN scheduling.read_policies p ON p.region_id = $1::bigint AND p.modality = e.modality AND p.urgency = e.urgency
  LEFT JOIN hands ON hands.reader_id = c.staff_id
 ORDER BY c.rank;

-- name: read_claim_batch   ($1 region, $2 epoch, $3 now, $4 exams[], $5 readers[], $6 versions[], $7 serve seconds[], of which a read has none)
-- The winners of one batch. The judge has chosen one per exam; DISTINCT ON and the conditions hold even if he erred. Whoever
-- had begun a text finds himself where he was.
WITH w AS (
    SELECT DISTINCT ON (exam_id) exam_id, staff_id, version
      FROM unnest($4::bigint[], $5::bigint[], $6::int[], $7::int[]) WITH ORDINALITY AS c (exam_id, staff_id, version, serve_s, rank)
     ORDER BY exam_id, rank
)
UPDATE records.exams e
   SET state = CASE WHEN EXISTS (SELECT 1 FROM scheduling.read_drafts d WHERE d.region_id = e.region_id AND d.exam_id = e.id
                                    AND d.staff_id = w.staff_id) THEN 'draft' ELSE 'claimed' END,
       reader_id = w.staff_id, reader_tenant_id = s.tenant_id, claimed_at = $3::timestamptz, version = e.version + 1
  FROM w JOIN records.staff s ON s.region_id = $1::bigint AND s.id = w.staff_id
 WHERE e.region_id = $1::bigint AND e.id = w.exam_id AND e.state = 'pooled' AND e.version = w.version
   AND EXISTS (SELECT 1 FROM scheduling.shard_lease l WHERE l.region_id = $1::bigint AND l.epoch = $2::bigint)
RETURNING e.id;
