/* find.h - C-FIND: the modality worklist from ordered exams, and studies, series and instances that are here (PS3.4 annexes C, K).
 *
 * Owns    a query while it runs. Matching that SQL cannot do (wildcards in Chinese names, ranges of times) is done on its rows.
 * Runs on one loop. Foreign bytes: an identifier is a small data set, read by dicom/dataset within limits.
 */
#pragma once
#include "core/db/db.h"
#include "dicom/pdu.h"

#define FIND_IDENTIFIER_MAX (64 * 1024)
#define FIND_CANDIDATES     10000 /* rows looked at */
#define FIND_ANSWERS        2000  /* rows given */

struct find;

/** One answer; lent for the call. */
typedef void find_answer_fn(void *arg, const uint8_t *data, size_t len);
/** The end: a DIMSE status, and why when it is a failure. The find is gone after this. */
typedef void find_done_fn(void *arg, uint16_t status, const char *comment);

struct find_ask {
    struct db *db;
    int64_t region_id, tenant_id;
    const char *abstract, *syntax; /* of the presentation context */
    const char *calling;           /* AE title, for the scheduled station */
    const char *called;
    const uint8_t *identifier;
    size_t len;
    find_answer_fn *answer;
    find_done_fn *done;
    void *arg;
};

/** Callbacks come from the loop, never from inside this call. false: refused; *status and comment say why. */
bool find_start(struct find **out, const struct find_ask *ask, uint16_t *status, char comment[65]);
/** No callback follows. NULL is fine. */
void find_stop(struct find *f);
