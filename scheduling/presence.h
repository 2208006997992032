/* presence.h - seats whose occupants are no longer vouched for. On the deciding thread, as a batch of its own. */
#pragma once
#include "scheduling/batch.h"

/** @param arg const int64_t *: µs of silence after which a seat counts as left */
bool presence_sweep(struct batch *b, void *arg);
