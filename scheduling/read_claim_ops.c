/* Claims of exams: sight of the pictures, to the reader alone, until he is done with them. claim_run.c is the engine. */
#include "records/access.h"
#include "scheduling/claim_run.h"
#include "scheduling/exam_move.h"
#include "scheduling/ops.h"
#include "scheduling/read_claim_ops.sql.h"

static int64_t asked(const struct sched_request *r)
{
    return r->in.exam_id;
}

/* The exam, its study, and for priors the person. */
static bool winners_see(struct claims *c)
{
    int64_t until = c->b->now_us + ACCESS_READING_US;
    json_t *grants = json_array();
    struct db_args a;

    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].result == CLAIM_WON) {
            const struct claim_extra *x = &c->extra[i];
            int64_t tenant = batch_actor(c->b, c->req[i])->tenant_id, exam = c->v[i].subject_id;
            const int64_t subjects[] = {exam, x->place_id, x->person_id};

            for (size_t k = 0; k < sizeof subjects / sizeof *subjects; k++)
                access_add(grants, batch_id(c->b), subjects[k], tenant, "reading", exam, until);
        }
    access_grant_args(&a, c->b->region_id, c->b->now_us, grants);
    json_decref(grants);
    return batch_run(c->b, &SQL_access_grant, &a);
}

static void exam_won(struct claims *c, size_t i, int64_t log_id)
{
    (void)log_id;
    c->req[i]->exam_id = c->v[i].subject_id;
    exam_changed(c->b, c->v[i].subject_id, true);
}

static bool answer_again(struct claims *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->v[i].result == CLAIM_WON_AGAIN)
            c->req[i]->exam_id = c->v[i].subject_id;
    return true;
}

bool op_exam_claim(struct batch *b, struct sched_request **req, size_t n)
{
    static const struct claim_trade EXAMS = {.kind = CLAIM_EXAM,
                                             .subject = "exam",
                                             .id_key = "exam_id",
                                             .rival = "another reader",
                                             .names_winner = true,
                                             .asked = asked,
                                             .facts = &SQL_read_claim_facts,
                                             .take = &SQL_read_claim_batch,
                                             .enter = winners_see,
                                             .won = exam_won,
                                             .again = answer_again};

    return claims_run(&EXAMS, b, req, n);
}
