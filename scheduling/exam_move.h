/* exam_move.h - exams along the edges of exam_fsm.c, many at once: row, audit, event. On the deciding thread. */
#pragma once
#include "scheduling/batch.h"
#include "scheduling/exam.h"

#define EXAM_STEPS 3
struct exam_move {
    const struct exam *exam;
    enum exam_event on[EXAM_STEPS]; /* in one breath, one after the other */
    size_t n_on;
    const struct sched_request *by; /* NULL: the system */
    const char *code, *reason;      /* of a rejection, a cancellation, a release */
    int64_t study_id;               /* of the first image */
    int32_t report_version;         /* of a signature */
};

/** All of them; the edges must exist (check before), a row that moved on meanwhile is ERR_AGAIN "database_conflict". */
bool exams_move(struct batch *b, const struct exam_move *moves, size_t n);
/** One exam, one step. */
bool exam_move(struct batch *b, const struct exam *e, enum exam_event on, const struct sched_request *by,
               const char *reason);
/** An exam changed: event at the end. in_pool: readers' lists change, too. */
void exam_changed(struct batch *b, int64_t exam_id, bool in_pool);

/** Load the request's exam and see that it exists for the caller, that the act is his now, and, with a version, that he saw the
 * newest. *e is NULL when it was refused. Free *loaded in any case. */
bool exam_guard(struct batch *b, struct sched_request *r, const char *act, bool versioned,
                struct exams *loaded, const struct exam **e);

struct exam_new {
    int64_t tenant_id, visit_id, person_id, ordered_by, retake_of;
    const char *age_band, *sex, *modality, *procedure, *question, *urgency;
};
/** A new exam in state ordered, with its accession number; audit and event. */
bool exam_insert(struct batch *b, const struct exam_new *x, const struct sched_request *by, int64_t *id);

/** Sight of the pictures that a claim gave ends. */
bool exam_sight_end(struct batch *b, const int64_t *exam_ids, size_t n);

/** Who saw whose data stands in the trail before the answer leaves: the first look of an account that day.
 * what: a word that lives for ever ("exam.look"). */
void exam_look(struct batch *b, struct sched_request *r, const struct exam *e, const char *what);

/** At the end of a batch: events of what changed, answers of requests that ask for exams. */
bool exams_finish(struct batch *b);
