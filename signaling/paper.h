/* paper.h - a signed report on paper, and whether a paper is genuine. Run on the service loop only.
 *
 * Owns    <data>/documents/<region>/<exam>/: PDFs made by yz-print, named by version and by the hash of what stands on them, so
 *         that one is made once and a changed word makes another.
 */
#pragma once
#include "signaling/request.h"

/* GET /api/v1/exams/{exam_id}/report.pdf?version=: whoever may read the report; the audit row first, then nginx sends it. */
void paper_get(struct request *req);
/* GET /api/v1/verify/{code}: anybody; hash, signature and key are checked anew each time. */
void paper_verify(struct request *req);
