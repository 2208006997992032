-- The log of the claim engine. The facts and the UPDATE of each trade stand beside it: claim_ops.sql, read_claim_ops.sql.
--
-- Facts take   ($1 region, $2 today, $3 subjects[], $4 claimants[], $5 nonces[]) and give one row per claim, in order of arrival:
--              stand (free, taken, absent), version, holder, on duty, licence, specialty, level, own request, offered, nonce,
--              live, in hand, hand_max, serve seconds, tenant, person, visit or study, the holder's name.
-- The UPDATE   ($1 region, $2 epoch, $3 now, $4 subjects[], $5 claimants[], $6 versions[], $7 serve seconds[]) gives a row per winner.

-- name: claim_log_insert   ($1 region, $2 epoch, $3 batch, $4 now, $5 rows)
-- Of orders and of exams: one of the two ids stands in a row.
INSERT INTO scheduling.claim_log (region_id, id, tenant_id, order_id, exam_id, staff_id, version, result, reason, winner_id,
                                  epoch, batch, rank, request_id, at)
SELECT $1::bigint, r.id, r.tenant_id, r.order_id, r.exam_id, r.staff_id, r.version, r.result, r.reason, r.winner_id, $2::bigint,
       $3::bigint, r.rank, r.request_id, $4::timestamptz
  FROM json_to_recordset($5::json) AS r (id bigint, tenant_id bigint, order_id bigint, exam_id bigint, staff_id bigint, version int,
       result text, reason text, winner_id bigint, rank int, request_id text);
