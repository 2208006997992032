/* sched_forward.h - routes that the scheduler answers: the HTTP body, the path and the query become one document.
 * Runs on the service loop only. */
#pragma once
#include "signaling/request.h"

/** Answers the request, after the scheduler has. */
void sched_forward(struct request *req);
