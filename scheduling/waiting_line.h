/* waiting_line.h - the line before a doctor as rows, read for positions and estimates. Runs on the deciding thread. */
#pragma once
#include "scheduling/batch.h"

/** Tell everyone in the lines of b->queues where they stand now. */
bool waiting_tell(struct batch *b);
