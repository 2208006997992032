/* owner_forward.h - routes that an owner daemon answers (owner.h): the HTTP body, the path and the query become one document.
 * Runs on the service loop only. */
#pragma once
#include "signaling/request.h"

/** Answers the request, after the owner has. */
void owner_forward(struct request *req);
