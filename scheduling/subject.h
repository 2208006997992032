/* subject.h - what an order and an exam have in common: they are loaded by id, seen by parties, acted upon by a table of acts,
 * moved along the edges of a state machine, and looked at. On the deciding thread. */
#pragma once
#include "scheduling/batch.h"

struct subject {
    const char *kind; /* "order", "exam": in the trail */
    int64_t id, tenant_id, person_id;
    int32_t version;
    const char *state;
};

/** Rows of a statement ($1 region, $2 ids[]) as structs of `size` bytes whose first member is their id. *v is freed by the
 * caller, also after a failure; rows lend the strings. */
bool subjects_load(struct batch *b, const struct db_stmt *stmt, const int64_t *ids, size_t n, size_t size,
                   void (*read)(void *item, const struct db_rows *r, int i), struct db_rows *rows, void **v,
                   size_t *count);
/** The one with that id, or NULL. */
const void *subjects_find(const void *v, size_t n, size_t size, int64_t id);

/* Who may do what, when: the rights of the commands and the buttons on the screens. */
struct act {
    const char *name;
    int event; /* of the state machine; ACT_STAYS: it changes no state */
    uint32_t party, states;
};
#define ACT_STAYS (-1)
struct acts {
    const struct act *v;
    size_t n;
};
bool act_fits(const struct act *act, unsigned state, uint32_t party);
/** May these parties do that in this state? By name, or with NULL by event.
 * ERR_DENIED "not_allowed": never theirs to do; ERR_CONFLICT "wrong_state": not now. */
bool acts_allow(const struct acts *acts, const char *name, int event, unsigned state, const struct subject *s,
                uint32_t party, struct err *err);

/** Is the request to go on with this subject? It exists for the caller (party), the act is allowed (else err says why), and,
 * when versioned, he saw the newest version. Otherwise the request is refused. s NULL: there is none. */
bool subject_guard(struct sched_request *r, const struct subject *s, const char *kind, uint32_t party,
                   const struct err *err, bool versioned);

/** One writing statement ($1 region, $2 epoch, $3 now, $4 rows) that must answer a row per row of it. Takes rows. */
bool subjects_move(struct batch *b, const struct db_stmt *stmt, const char *kind, json_t *rows);
/** The step stands in the trail. by NULL: the system; more: further words of the detail, taken, or NULL. */
void subject_moved(struct batch *b, const struct sched_request *by, const struct subject *s,
                   const char *event, const char *to, const char *why, json_t *more);
/** Who saw whose data stands in the trail before the answer leaves: the first look of an account that day.
 * what: a word that lives for ever ("exam.look"). */
void subject_look(struct batch *b, struct sched_request *r, const struct subject *s, const char *what);
