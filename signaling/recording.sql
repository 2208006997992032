-- recording.sql: one row per stretch that was recorded. Under the visit's own tenant.

-- name: recording_begin   ($1 region, $2 visit, $3 id, $4 tenant, $5 dir)
-- A stretch that a crash of ours left open is taken over, not doubled.
INSERT INTO records.recordings (region_id, visit_id, id, tenant_id, state, dir, started_at)
SELECT $1::bigint, $2::bigint, $3::bigint, $4::bigint, 'recording', $5, now()
 WHERE NOT EXISTS (SELECT 1 FROM records.recordings
                    WHERE region_id = $1::bigint AND visit_id = $2::bigint AND state = 'recording')

-- name: recording_grow   ($1 region, $2 visit, $3 bytes)
UPDATE records.recordings SET bytes = $3::bigint
 WHERE region_id = $1::bigint AND visit_id = $2::bigint AND state = 'recording'

-- name: recording_end   ($1 region, $2 visit, $3 bytes, $4 reason)
UPDATE records.recordings
   SET state = 'processing', bytes = greatest(bytes, $3::bigint), ended_at = now(), reason = $4
 WHERE region_id = $1::bigint AND visit_id = $2::bigint AND state = 'recording'

-- name: recording_finish   ($1 region, $2 visit, $3 state, $4 manifest)
-- What yz-recorderd wrote into its manifest, kept in the record as well.
UPDATE records.recordings
   SET state = $3, manifest = $4::json, ended_at = coalesce(ended_at, now())
 WHERE region_id = $1::bigint AND visit_id = $2::bigint AND state IN ('recording', 'processing')

-- name: recording_rows   ($1 region, $2 visit)
-- The caller sees no row when the visit is not theirs; state 'none' when nothing was recorded.
SELECT v.tenant_id, v.person_id,
       coalesce((SELECT r.state FROM records.recordings r
                  WHERE r.region_id = v.region_id AND r.visit_id = v.id ORDER BY r.id DESC LIMIT 1), 'none')
  FROM records.visits v
 WHERE v.region_id = $1::bigint AND v.id = $2::bigint

-- name: recording_seats   ($1 region, $2 visit)
SELECT id, role FROM records.visit_seats WHERE region_id = $1::bigint AND visit_id = $2::bigint
