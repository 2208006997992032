/* session.h - from a cookie or a token to an identity; logging in and out.
 *
 * Cookie  256 random bits, base64url; the database keeps its SHA-256. Ends 12 h after login or 2 h after the last
 *         use (records.sessions.expires_at slides, written at most once a minute).
 * Cache   identities are remembered for CACHE_S. While the database is away a remembered one is good until it
 *         ends, so that open windows keep their calls; nobody new is recognised then, except by a token.
 * Owns    the cache. Runs on the service loop only.
 */
#pragma once
#include "signaling/identity.h"

struct signald;
struct sessions;

struct sessions *sessions_new(struct signald *app);
void sessions_free(struct sessions *s);

/** who is lent (take a reference), NULL with err: ERR_UNAUTHENTICATED "not_logged_in" | "token_…", ERR_AGAIN. May be
 * called before the function returns. */
typedef void session_fn(void *arg, struct identity *who, const struct err *err);
void session_of_cookie(struct sessions *s, const char *cookie, session_fn *fn, void *arg);
void session_of_bearer(struct sessions *s, const char *token, session_fn *fn, void *arg);
/** The account's own row, newly read, as another login of it would see it. */
void session_of_account(struct sessions *s, int64_t region_id, int64_t tenant_id, int64_t account_id,
                        session_fn *fn, void *arg);

#define SESSION_LIFE_S (12 * 3600)
#define SESSION_IDLE_S (2 * 3600)
#define SESSION_COOKIE 64 /* bytes with NUL */

/** A new secret and its hash. */
void session_secret(char cookie[SESSION_COOKIE], uint8_t hash[32]);
/** Forget what the cache knows of it (logout, locale). */
void session_forget(struct sessions *s, int64_t account_id);
