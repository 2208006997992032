/* read_fx.h - exams on their way through a region: ordered in a visit, pictures arrived, in a reader's hands. */
#pragma once
#include "tests/unit/scheduling/sched_fx.h"

/** A visit of patient2 that doctor1 has claimed; its id. */
int64_t fx_visit(struct fx *f);
/** township_doctor1 orders an exam in that visit; its id. */
int64_t fx_exam(struct fx *f, int64_t visit_id, const char *modality, const char *urgency);
/** What dicomd would write: the study of that exam; its id. */
int64_t fx_study(struct fx *f, int64_t exam_id, bool complete);
/** Ordered, imaged, and waiting to be read. */
int64_t fx_pooled_exam(struct fx *f, const char *modality, const char *urgency);
int64_t fx_exam_version(struct fx *f, int64_t exam_id);
json_t *fx_exam_of(struct fx *f, const char *login, int64_t exam_id);
/** One of the reader's steps with the current version; more: further members, ",'reason':'x'". */
struct sched_request *fx_read(struct fx *f, const char *login, enum sched_op op, int64_t exam_id,
                              const char *more);
/** The same, and it must be answered. */
json_t *fx_did_read(struct fx *f, const char *login, enum sched_op op, int64_t exam_id, const char *more);
/** Claimed, written and signed by reader1. */
int64_t fx_signed_exam(struct fx *f, const char *modality);
