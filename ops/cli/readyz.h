/* readyz.h - the question the front door is asked: can the product work? Blocking, two seconds at most. */
#pragma once
#include <stddef.h>

/** GET /readyz on loopback. @param[out] body  what it said, cut at size
 *  @return the HTTP status, 0 without an answer */
int readyz_ask(int port, char *body, size_t size);
