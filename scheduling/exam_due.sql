-- What is due with exams. Each question runs along an index of its own and usually answers nothing.

-- name: exams_due   ($1 region, $2 now)
-- first image, all images: what dicomd wrote of the study. detach: the study was matched to something else or returned. idle:
-- the reader has saved nothing for as long as the policy allows.
SELECT e.id, CASE WHEN s.state = 'complete' THEN 'complete' ELSE 'acquire' END, s.id
  FROM records.exams e
  JOIN records.studies s ON s.region_id = e.region_id AND s.exam_id = e.id AND s.matched
 WHERE e.region_id = $1::bigint AND e.state IN ('ordered', 'acquired', 'uploaded')
   AND (e.state = 'ordered' OR s.state = 'complete')
UNION ALL
SELECT e.id, 'detach', e.study_id
  FROM records.exams e
  JOIN records.studies s ON s.region_id = e.region_id AND s.id = e.study_id
 WHERE e.region_id = $1::bigint AND e.state IN ('acquired', 'uploaded') AND s.exam_id IS DISTINCT FROM e.id
UNION ALL
SELECT e.id, 'detach', e.study_id -- apart, so that each runs along its own partial index
  FROM records.exams e
  JOIN records.studies s ON s.region_id = e.region_id AND s.id = e.study_id
 WHERE e.region_id = $1::bigint AND e.state = 'pooled' AND s.exam_id IS DISTINCT FROM e.id
UNION ALL
SELECT e.id, 'idle', NULL
  FROM records.exams e
  LEFT JOIN scheduling.read_drafts d ON d.region_id = e.region_id AND d.exam_id = e.id AND d.staff_id = e.reader_id
  LEFT JOIN scheduling.read_policies p ON p.region_id = e.region_id AND p.modality = e.modality AND p.urgency = e.urgency
 WHERE e.region_id = $1::bigint AND e.state IN ('claimed', 'draft')
   AND greatest(e.claimed_at, d.saved_at) + coalesce(p.draft_idle_min, 120) * interval '1 minute' <= $2::timestamptz
LIMIT 256;

-- name: read_claims_returned   ($1 region, $2 epoch, $3 batch, $4 now, $5 exams[], $6 log ids[])
-- The log says that these claims came back. Before the exams move: who had them stands in their rows.
INSERT INTO scheduling.claim_log (region_id, id, tenant_id, exam_id, staff_id, version, result, reason, epoch, batch, rank,
                                  request_id, at)
SELECT $1::bigint, u.log_id, e.reader_tenant_id, e.id, e.reader_id, e.version, 'returned', 'idle', $2::bigint, $3::bigint, 0, '',
       $4::timestamptz
  FROM unnest($5::bigint[], $6::bigint[]) AS u (exam_id, log_id)
  JOIN records.exams e ON e.region_id = $1::bigint AND e.id = u.exam_id;
