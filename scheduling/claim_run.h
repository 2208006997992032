/* claim_run.h - the claim engine: facts, judge (claim.c), one UPDATE for all winners, the log, the answers. On the deciding
 * thread. What is claimed, and what winning it brings, is the trade's to say (claim_ops.c: orders; read_claim_ops.c: exams). */
#pragma once
#include "scheduling/batch.h"
#include "scheduling/claim.h"

struct claim_extra { /* of the subject */
    int64_t tenant_id, person_id;
    int64_t place_id; /* the visit of an order, the study of an exam */
    int32_t serve_s;
    const char *holder; /* who has it, by name; lent by the facts */
};

struct claims {
    struct batch *b;
    struct sched_request **req;
    size_t n, won;
    struct claim *v;           /* of req[i] */
    struct claim_extra *extra; /* of req[i] */
    struct db_rows facts;
};

struct claim_trade {
    enum claim_kind kind;
    const char *subject, *id_key; /* "order", "order_id": in the trail and in the log */
    const char *rival;            /* "another doctor" */
    bool names_winner;            /* the loser is told who has it */
    int64_t (*asked)(const struct sched_request *r);
    /* Both take the same arguments and give the same columns for every trade: claim_ops.sql says which. */
    const struct db_stmt *facts, *take;
    bool (*enter)(struct claims *c);                         /* what winning brings */
    void (*won)(struct claims *c, size_t i, int64_t log_id); /* what is answered and told */
    bool (*again)(struct claims *c);                         /* answers of those who had won before */
};

/** All claims of a batch, decided together. */
bool claims_run(const struct claim_trade *trade, struct batch *b, struct sched_request **req, size_t n);
