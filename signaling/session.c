#include "signaling/session.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/db/db.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "signaling/role.h"
#include "signaling/session.sql.h"
#include "signaling/signald.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 1024
#define ENTRIES 20000 /* the oldest goes when there are more */
#define CACHE_S 5
#define KEY_LEN 32

struct entry {
    uint8_t key[KEY_LEN];
    struct identity *who;
    int64_t loaded_us;         /* monotonic */
    struct entry *chain;       /* of the bucket */
    struct entry *prev, *next; /* by age, oldest first */
};

struct sessions {
    struct signald *app;
    struct entry *bucket[BUCKETS], *oldest, *newest;
    size_t n;
};

/* One look-up on its way through the database. */
struct lookup {
    struct sessions *s;
    uint8_t key[KEY_LEN];
    bool keep;                  /* remember the result */
    struct token_claims claims; /* of a bearer */
    bool bearer;
    int64_t region_id, tenant_id, account_id, session_id, expires_at_us;
    session_fn *fn;
    void *arg;
};

static struct metric CACHE_HITS =
    METRIC_COUNTER("yz_signal_session_cache_hits_total", "Requests whose session was known.");
static struct metric CACHE_STALE = METRIC_COUNTER(
    "yz_signal_session_stale_total", "Requests served from an old entry because the database was away.");

/* --- the cache --- */

static struct entry **slot_of(struct sessions *s, const uint8_t key[KEY_LEN])
{
    unsigned hash;

    memcpy(&hash, key, sizeof hash); /* the key is a digest already */
    return &s->bucket[hash % BUCKETS];
}

static struct entry *find(struct sessions *s, const uint8_t key[KEY_LEN])
{
    for (struct entry *e = *slot_of(s, key); e; e = e->chain)
        if (crypto_equal(e->key, key, KEY_LEN))
            return e;
    return NULL;
}

static void drop(struct sessions *s, struct entry *e)
{
    struct entry **at = slot_of(s, e->key);

    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    if (e->prev)
        e->prev->next = e->next;
    else
        s->oldest = e->next;
    if (e->next)
        e->next->prev = e->prev;
    else
        s->newest = e->prev;
    s->n--;
    identity_unref(e->who);
    free(e);
}

static void keep(struct sessions *s, const uint8_t key[KEY_LEN], struct identity *who)
{
    struct entry *e = find(s, key), **at;

    if (e)
        drop(s, e);
    if (s->n >= ENTRIES)
        drop(s, s->oldest);
    e = mem_new(sizeof *e);
    memcpy(e->key, key, KEY_LEN);
    e->who = identity_ref(who);
    e->loaded_us = clock_mono_us();
    at = slot_of(s, key);
    e->chain = *at;
    *at = e;
    e->prev = s->newest;
    if (s->newest)
        s->newest->next = e;
    else
        s->oldest = e;
    s->newest = e;
    s->n++;
}

void session_forget(struct sessions *s, int64_t account_id)
{
    for (struct entry *e = s->oldest, *next; e; e = next) {
        next = e->next;
        if (e->who->account_id == account_id)
            drop(s, e);
    }
}

struct sessions *sessions_new(struct signald *app)
{
    struct sessions *s = mem_new(sizeof *s);

    s->app = app;
    metrics_add(&CACHE_HITS);
    metrics_add(&CACHE_STALE);
    return s;
}

void sessions_free(struct sessions *s)
{
    if (!s)
        return;
    while (s->oldest)
        drop(s, s->oldest);
    free(s);
}

void session_secret(char cookie[SESSION_COOKIE], uint8_t hash[32])
{
    uint8_t secret[32];

    crypto_random(secret, sizeof secret);
    crypto_b64url(secret, sizeof secret, cookie, SESSION_COOKIE);
    crypto_sha256(cookie, strlen(cookie), hash);
    crypto_wipe(secret, sizeof secret);
}

/* --- from rows to an identity --- */

static json_t *account_doc(const struct lookup *l, const struct db_rows *r, uint32_t roles)
{
    json_t *tenant = json_pack("{s:o, s:s, s:s, s:o}", "id", json_id(db_i64(r, 0, 3)), "name",
                               db_str(r, 0, 4), "kind", db_str(r, 0, 5), "care_level",
                               db_null(r, 0, 6) ? json_null() : json_string(db_str(r, 0, 6)));
    json_t *doc = json_pack("{s:o, s:s, s:s, s:s, s:o, s:o}", "id", json_id(l->account_id), "login",
                            db_str(r, 0, 0), "name", db_str(r, 0, 1), "locale", db_str(r, 0, 2), "roles",
                            role_names(roles), "tenant", tenant);

    if (db_i64(r, 0, 7))
        json_object_set_new(doc, "person_id", json_id(db_i64(r, 0, 7)));
    if (db_i64(r, 0, 8))
        json_object_set_new(doc, "staff_id", json_id(db_i64(r, 0, 8)));
    if (!db_null(r, 0, 9))
        json_object_set_new(doc, "title", json_string(db_str(r, 0, 9)));
    return doc;
}

static struct identity *identity_of_rows(const struct lookup *l, const struct db_rows *r)
{
    struct identity *who = identity_new();

    who->region_id = l->region_id;
    who->tenant_id = l->tenant_id;
    who->account_id = l->account_id;
    who->person_id = db_i64(r, 0, 7);
    who->staff_id = db_i64(r, 0, 8);
    who->roles = role_bits_of_array(db_str(r, 0, 10));
    who->session_id = l->session_id;
    who->expires_at_us = l->expires_at_us;
    who->bearer = l->bearer;
    who->claims = l->claims;
    if (l->bearer)
        who->roles &= l->claims.roles; /* a token never gives more than the account has now */
    locale_parse(db_str(r, 0, 2), &who->locale);
    snprintf(who->name, sizeof who->name, "%s", db_str(r, 0, 1));
    who->account = account_doc(l, r, who->roles);
    return who;
}

/* While the database is away the signature alone vouches: enough to come back into a running room. */
static struct identity *identity_of_claims(const struct lookup *l)
{
    struct identity *who = identity_new();
    char id[ID_TEXT];

    who->region_id = l->region_id;
    who->tenant_id = l->tenant_id;
    who->account_id = l->account_id;
    who->roles = l->claims.roles;
    who->bearer = true;
    who->claims = l->claims;
    who->expires_at_us = l->expires_at_us;
    id_format(l->account_id, id);
    snprintf(who->name, sizeof who->name, "%s", id);
    who->account = json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:o, s:s, s:s, s:n}}", "id", id, "login", id,
                             "name", id, "locale", "zh-CN", "roles", role_names(who->roles), "tenant", "id",
                             json_id(l->tenant_id), "name", "", "kind", "", "care_level");
    return who;
}

static void finish(struct lookup *l, struct identity *who, const struct err *err)
{
    if (who && l->keep)
        keep(l->s, l->key, who);
    l->fn(l->arg, who, err);
    identity_unref(who);
    free(l);
}

static void on_account(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct lookup *l = arg;

    /* A token names its tenant: an account that moved since is not let in under the house it left. */
    if (!err && rows->n == 1 && db_i64(rows, 0, 3) == l->tenant_id) {
        finish(l, identity_of_rows(l, rows), NULL);
        return;
    }
    if (err && l->bearer && (err->code == ERR_AGAIN || err->code == ERR_UNKNOWN)) {
        l->keep = false;
        finish(l, identity_of_claims(l), NULL);
        return;
    }
    finish(l, NULL, err ? err : &(struct err){ERR_UNAUTHENTICATED, "not_logged_in", "the account is gone"});
}

static void load_account(struct lookup *l)
{
    struct db_scope scope = {l->region_id, l->tenant_id, l->account_id};
    struct db_args a;

    db_args_init(&a);
    db_arg_id(&a, l->region_id);
    db_arg_id(&a, l->account_id);
    db_query(l->s->app->db, &scope, &SQL_account_self, &a, on_account, l);
}

/* --- cookies --- */

static void on_touched(void *arg, const struct db_rows *rows, const struct err *err)
{
    (void)arg;
    (void)rows;
    if (err)
        log_debug("session_touch_failed", LERR(err));
}

static void touch(struct lookup *l)
{
    struct db_scope scope = {l->region_id, l->tenant_id, l->account_id};
    struct db_args a;

    db_args_init(&a);
    db_arg_id(&a, l->region_id);
    db_arg_id(&a, l->session_id);
    db_arg_i64(&a, SESSION_LIFE_S);
    db_arg_i64(&a, SESSION_IDLE_S);
    db_query(l->s->app->db, &scope, &SQL_session_touch, &a, on_touched, NULL);
}

static void on_token(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct lookup *l = arg;
    struct entry *old = find(l->s, l->key);

    if (err) {
        if (old && !old->who->bearer && old->who->expires_at_us > clock_now_us()) {
            struct identity *who = identity_ref(old->who);
            CACHE_STALE.value++;
            l->keep = false;
            finish(l, who, NULL);
            return;
        }
        finish(l, NULL, err);
        return;
    }
    if (rows->n != 1) {
        if (old && !old->who->bearer)
            drop(l->s, old);
        finish(l, NULL, &(struct err){ERR_UNAUTHENTICATED, "not_logged_in", "no such session"});
        return;
    }
    l->session_id = db_i64(rows, 0, 0);
    l->account_id = db_i64(rows, 0, 1);
    l->tenant_id = db_i64(rows, 0, 2);
    l->expires_at_us = db_time(rows, 0, 3);
    touch(l);
    load_account(l);
}

/* true when the cache could answer: freshly read, or good enough while the database is away. A token sent as a cookie
 * is no session: it would pass for one that a page's own login made. */
static bool from_cache(struct sessions *s, const uint8_t key[KEY_LEN], bool bearer, session_fn *fn, void *arg)
{
    struct entry *e = find(s, key);
    struct identity *who;
    bool fresh;

    if (!e || e->who->bearer != bearer || e->who->expires_at_us <= clock_now_us())
        return false;
    fresh = clock_mono_us() - e->loaded_us <= CACHE_S * US_PER_S;
    if (!fresh && db_is_ready(s->app->db))
        return false;
    CACHE_HITS.value += fresh;
    CACHE_STALE.value += !fresh;
    who = identity_ref(e->who);
    fn(arg, who, NULL);
    identity_unref(who);
    return true;
}

static struct lookup *lookup_new(struct sessions *s, const uint8_t key[KEY_LEN], session_fn *fn, void *arg)
{
    struct lookup *l = mem_new(sizeof *l);

    *l = (struct lookup){.s = s, .keep = true, .region_id = s->app->region_id, .fn = fn, .arg = arg};
    memcpy(l->key, key, KEY_LEN);
    return l;
}

void session_of_cookie(struct sessions *s, const char *cookie, session_fn *fn, void *arg)
{
    struct db_scope scope = {s->app->region_id, 0, 0};
    uint8_t key[KEY_LEN];
    struct db_args a;

    crypto_sha256(cookie, strlen(cookie), key);
    if (from_cache(s, key, false, fn, arg))
        return;
    db_args_init(&a);
    db_arg_id(&a, s->app->region_id);
    db_arg_bytes(&a, key, sizeof key);
    db_query(s->app->db, &scope, &SQL_session_by_token, &a, on_token, lookup_new(s, key, fn, arg));
}

/* --- bearers --- */

void session_of_bearer(struct sessions *s, const char *token, session_fn *fn, void *arg)
{
    struct err err = ERR_INIT;
    struct token_claims claims;
    struct lookup *l;
    uint8_t key[KEY_LEN];

    if (!token_claims_parse(s->app->token_key, token, strlen(token), clock_now_us(), &claims, &err)) {
        fn(arg, NULL, &err);
        return;
    }
    if (claims.region_id != s->app->region_id) {
        fn(arg, NULL, &(struct err){ERR_UNAUTHENTICATED, "token_invalid", "another region's token"});
        return;
    }
    crypto_sha256(token, strlen(token), key);
    if (from_cache(s, key, true, fn, arg))
        return;
    l = lookup_new(s, key, fn, arg);
    l->bearer = true;
    l->claims = claims;
    l->tenant_id = claims.tenant_id;
    l->account_id = claims.account_id;
    l->expires_at_us = claims.expires_at_us;
    load_account(l);
}

void session_of_account(struct sessions *s, int64_t region_id, int64_t tenant_id, int64_t account_id,
                        session_fn *fn, void *arg)
{
    struct lookup *l = lookup_new(s, (const uint8_t[KEY_LEN]){0}, fn, arg);

    l->keep = false;
    l->region_id = region_id;
    l->tenant_id = tenant_id;
    l->account_id = account_id;
    l->expires_at_us = clock_now_us() + SESSION_IDLE_S * US_PER_S;
    load_account(l);
}
