/* What time, or dicomd, causes with exams: images arrive, readers fall idle. Once a second, with the rest of due.c. */
#include "scheduling/due.h"
#include "core/mem.h"
#include "scheduling/alert.h"
#include "scheduling/exam_due.sql.h"
#include "scheduling/exam_move.h"
#include <stdlib.h>
#include <string.h>

static void steps(struct exam_move *m, const char *what)
{
    static const enum exam_event ARRIVAL[] = {EXAM_EV_ACQUIRE, EXAM_EV_COMPLETE, EXAM_EV_POOL};
    size_t first = 0, last = 1;

    if (!strcmp(what, "detach") || !strcmp(what, "idle")) {
        m->on[m->n_on++] = *what == 'd' ? EXAM_EV_DETACH : EXAM_EV_IDLE;
        return;
    }
    if (m->exam->state == EXAM_ACQUIRED)
        first = 1;
    if (m->exam->state == EXAM_UPLOADED)
        first = 2;
    if (!strcmp(what, "complete"))
        last = 3;
    for (size_t i = first; i < last; i++)
        m->on[m->n_on++] = ARRIVAL[i];
}

struct due {
    struct exams loaded;
    struct exam_move *moves;
    int64_t *idle;
    size_t n, n_idle;
};

static void due_sort(struct due *d, const struct db_rows *rows)
{
    for (int i = 0; i < rows->n; i++) {
        struct exam_move m = {.exam = exams_find(&d->loaded, db_i64(rows, i, 0)),
                              .study_id = db_i64(rows, i, 2)};
        bool seen = false;

        for (size_t k = 0; k < d->n; k++) /* a study exchanged for another: first away with the old one */
            seen = seen || d->moves[k].exam == m.exam;
        if (!m.exam || seen)
            continue;
        steps(&m, db_str(rows, i, 1));
        if (!m.n_on || !exam_edge(m.exam->state, m.on[0]))
            continue;
        if (m.on[0] == EXAM_EV_IDLE)
            d->idle[d->n_idle++] = m.exam->id;
        d->moves[d->n++] = m;
    }
}

static bool idle_log(struct batch *b, const struct due *d)
{
    int64_t *log_ids = mem_new(sizeof *log_ids * (d->n_idle + 1));
    struct db_args a;

    for (size_t i = 0; i < d->n_idle; i++)
        log_ids[i] = batch_id(b);
    batch_args_epoch(b, &a);
    db_arg_i64(&a, b->number);
    db_arg_time(&a, b->now_us);
    db_arg_i64s(&a, d->idle, d->n_idle);
    db_arg_i64s(&a, log_ids, d->n_idle);
    free(log_ids);
    return batch_run(b, &SQL_read_claims_returned, &a) && exam_sight_end(b, d->idle, d->n_idle);
}

static bool move_due(struct batch *b, const struct db_rows *rows)
{
    struct due d = {0};
    int64_t *ids = mem_new(sizeof *ids * (size_t)(rows->n + 1));
    bool ok;

    d.moves = mem_new(sizeof *d.moves * (size_t)(rows->n + 1));
    d.idle = mem_new(sizeof *d.idle * (size_t)(rows->n + 1));
    for (int i = 0; i < rows->n; i++)
        ids[i] = db_i64(rows, i, 0);
    ok = exams_load(&d.loaded, b, ids, (size_t)rows->n);
    if (ok)
        due_sort(&d, rows);
    if (ok && d.n)
        ok = batch_write(b) && (!d.n_idle || idle_log(b, &d)) && exams_move(b, d.moves, d.n);
    exams_free(&d.loaded);
    free(d.moves);
    free(d.idle);
    free(ids);
    return ok;
}

bool due_exams(struct batch *b)
{
    struct db_args a;
    struct db_rows rows;
    bool ok;

    batch_args(b, &a);
    db_arg_time(&a, b->now_us);
    if (!batch_query(b, &SQL_exams_due, &a, &rows))
        return false;
    ok = (!rows.n || move_due(b, &rows)) && alerts_due(b);
    db_rows_free(&rows);
    return ok;
}
