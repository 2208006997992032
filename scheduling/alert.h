/* alert.h - critical values: whom they reach, page by page, until somebody has read them back. On the deciding thread.
 * The ladder is data (scheduling.page_steps); a step without anybody is passed over, the last one that reaches somebody stays. */
#pragma once
#include "scheduling/batch.h"
#include "scheduling/exam.h"

/** A new alert about that exam, its first page in the same breath. */
bool alert_raise(struct batch *b, const struct sched_request *r, const struct exam *e, int64_t *id);
/** Pages that are due: again, or to the next person. */
bool alerts_due(struct batch *b);
