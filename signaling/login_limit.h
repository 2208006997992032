/* login_limit.h - how often a password may be tried: ten tries for a name from one address, and a wider bound for the
 * address, because a ward shares one. Logging in and stepping up draw from the same buckets, or one would be the way round
 * the other. Runs on the service loop only. */
#pragma once
#include "signaling/request.h"

#define LOGIN_NAME_MAX     64
#define LOGIN_PASSWORD_MAX 256
#define LOGIN_LIMIT_KEY    (LOGIN_NAME_MAX + 64)

/** @param login in lower case */
void login_limit_key(const char *login, const char *ip, char out[LOGIN_LIMIT_KEY]);
/** One try. false: it has answered 429. A right password gives the tries of its key back (limiter_forgive). */
bool login_limit_take(struct request *req, const char *key);
