/* qido_keys.h - what a query asks for (PS3.18 8.3.4, 10.6): keys, wildcards, ranges and pages, as arguments of a statement.
 *
 * Owns    struct qido_keys; qido_keys_free(). Pure; any thread. The text is the outside's.
 */
#pragma once
#include "core/db/db.h"

enum qido_level { QIDO_STUDIES, QIDO_SERIES, QIDO_INSTANCES };

/* In the order of the statements' parameters behind the region. */
enum qido_key {
    QIDO_STUDY_UID,
    QIDO_PATIENT_NAME,
    QIDO_PATIENT_ID,
    QIDO_ACCESSION,
    QIDO_DATE_FROM,
    QIDO_DATE_TO,
    QIDO_MODALITIES,
    QIDO_STUDY_DESCRIPTION,
    QIDO_SEX,
    QIDO_BORN_FROM,
    QIDO_BORN_TO,
    QIDO_SERIES_UID,
    QIDO_MODALITY,
    QIDO_SERIES_NUMBER,
    QIDO_SERIES_DESCRIPTION,
    QIDO_SOP_UID,
    QIDO_SOP_CLASS,
    QIDO_INSTANCE_NUMBER,
    QIDO_KEYS
};

#define QIDO_LIMIT     100
#define QIDO_LIMIT_MAX 1000
#define QIDO_LIST_MAX  1000

struct qido_keys {
    char *text[QIDO_KEYS];  /* NULL: not asked for */
    char **list[QIDO_KEYS]; /* of the keys that are lists */
    size_t n[QIDO_KEYS];
    int64_t limit, offset;
    bool fuzzy; /* fuzzymatching was asked for, which nobody does here */
};

/** One parameter. Unknown words that are no attribute's are ignored, as RFC 3986 addresses bear them (accept, t …).
 * ERR_INVALID query_key_unknown, query_key_unsupported (a key of a deeper level as well), query_value */
bool qido_keys_add(struct qido_keys *k, enum qido_level level, const char *name, const char *value,
                   struct err *err);
/** A UID from the path. */
void qido_keys_uid(struct qido_keys *k, enum qido_key key, const char *uid);
/** Append the arguments behind the region: keys of the level, then limit + 1 (to see whether there is more), then offset. */
void qido_keys_args(const struct qido_keys *k, enum qido_level level, struct db_args *a);
void qido_keys_free(struct qido_keys *k);
/** `*` and `?` as LIKE's % and _, LIKE's own characters escaped; malloc'ed. */
char *qido_like(const char *pattern);
