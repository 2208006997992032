/* ice.c - see ice.h. */
#include "media/ice.h"

#include <assert.h>
#include <stdlib.h>
#include "core/crypto.h"
#include "core/ids.h"

#define TUPLE_BUCKETS 16384u
#define UFRAG_BUCKETS 4096u
#define FAIL_BUCKETS  1024u
#define FAILS_PER_S                                                                                          \
    200 /* wrong passwords one network (/24, /56) may try before they cost us no HMAC any more */

struct ice_counts ice_counts;

struct fails { /* a leaky bucket per network, shared by those that collide */
    int64_t at_us;
    int32_t count;
};

struct ice_table {
    uint64_t seed;
    uint16_t worker;
    struct ice_tuple *tuples[TUPLE_BUCKETS];
    struct ice_cred *creds[UFRAG_BUCKETS];
    struct fails fails[FAIL_BUCKETS];
};

struct ice_table *ice_table_new(uint16_t worker)
{
    struct ice_table *t = calloc(1, sizeof(*t));

    assert(t);
    t->worker = worker;
    crypto_random(&t->seed, sizeof(t->seed));
    return t;
}

void ice_table_free(struct ice_table *t)
{
    free(t);
}

/* ---- credentials ---- */

static uint32_t ufrag_bucket(const struct ice_table *t, const char *p, size_t len)
{
    uint64_t h = t->seed;

    for (size_t i = 0; i < len; i++)
        h = (h ^ (uint8_t)p[i]) * UINT64_C(0x100000001b3);
    return (uint32_t)(hash_mix(h) & (UFRAG_BUCKETS - 1));
}

static void cred_link(struct ice *ice, struct ice_cred *c)
{
    struct ice_table *t = ice->table;
    uint32_t b = ufrag_bucket(t, c->ufrag, strlen(c->ufrag));

    c->ice = ice;
    c->next = t->creds[b];
    t->creds[b] = c;
}

static void cred_unlink(struct ice_cred *c)
{
    struct ice_cred **at;

    if (!c->ice)
        return;
    at = &c->ice->table->creds[ufrag_bucket(c->ice->table, c->ufrag, strlen(c->ufrag))];
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->ice = NULL;
    crypto_wipe(c->pwd, sizeof(c->pwd));
}

static struct ice_cred *cred_find(const struct ice_table *t, const char *ufrag, size_t len)
{
    struct ice_cred *c = len < ICE_UFRAG_TEXT ? t->creds[ufrag_bucket(t, ufrag, len)] : NULL;

    while (c && (strlen(c->ufrag) != len || memcmp(c->ufrag, ufrag, len) != 0))
        c = c->next;
    return c;
}

static void cred_make(struct ice *ice, struct ice_cred *c)
{
    char random[ID_RANDOM_TEXT], more[ID_RANDOM_TEXT];

    id_random(random);
    /* '+' and '/' are the only other ice-chars; the worker's number tells a front end where to send a TCP
     * stream. */
    snprintf(c->ufrag, sizeof(c->ufrag), "%u+%s", ice->table->worker, random);
    id_random(random);
    id_random(more);
    snprintf(c->pwd, sizeof(c->pwd), "%s%.8s", random, more); /* 96 + 40 bits; RFC 8445 asks for 128 */
    cred_link(ice, c);
}

/* ---- tuples ---- */

static void tuple_unlink(struct ice *ice, int i)
{
    struct ice_tuple *tu = &ice->tuples[i], **at;

    if (!tu->ice)
        return;
    at = &ice->table->tuples[addr_hash(&tu->addr, ice->table->seed) & (TUPLE_BUCKETS - 1)];
    while (*at != tu)
        at = &(*at)->next;
    *at = tu->next;
    tu->ice = NULL;
    if (ice->selected == i)
        ice->selected = -1;
    if (ice->previous == i)
        ice->previous = -1;
}

struct ice_tuple *ice_find(struct ice_table *t, const struct addr *from)
{
    struct ice_tuple *tu = t->tuples[addr_hash(from, t->seed) & (TUPLE_BUCKETS - 1)];

    while (tu && !addr_equal(&tu->addr, from))
        tu = tu->next;
    return tu;
}

static int tuple_victim(const struct ice *ice)
{
    int victim = -1;

    for (int i = 0; i < ICE_TUPLES_MAX; i++) {
        if (!ice->tuples[i].ice)
            return i;
        if (i == ice->selected)
            continue;
        if (victim < 0 || ice->tuples[i].heard_us < ice->tuples[victim].heard_us)
            victim = i;
    }
    return victim;
}

/* An address serves one peer: whoever authenticates from it last has it. */
static int tuple_learn(struct ice *ice, const struct addr *from)
{
    struct ice_table *t = ice->table;
    struct ice_tuple *tu = ice_find(t, from);
    uint64_t b = addr_hash(from, t->seed) & (TUPLE_BUCKETS - 1);
    int i;

    if (tu && tu->ice == ice)
        return (int)(tu - ice->tuples);
    if (tu)
        tuple_unlink(tu->ice, (int)(tu - tu->ice->tuples));
    i = tuple_victim(ice);
    tuple_unlink(ice, i);
    tu = &ice->tuples[i];
    tu->ice = ice;
    tu->addr = *from;
    tu->next = t->tuples[b];
    t->tuples[b] = tu;
    return i;
}

static void tuple_select(struct ice *ice, int i, int64_t now_us)
{
    if (ice->selected >= 0) {
        ice->previous = ice->selected;
        ice->previous_until_us = now_us + ICE_OVERLAP_US;
    }
    if (ice->previous == i)
        ice->previous = -1;
    ice->selected = (int8_t)i;
    ice_counts.selected++;
}

const struct addr *ice_address(const struct ice *ice)
{
    int best = ice->selected < 0 ? -1 : (int)(uint8_t)ice->selected;

    /* Before the nomination: where the client was heard last, so that a handshake may begin early. */
    for (int i = 0; ice->selected < 0 && i < ICE_TUPLES_MAX; i++)
        if (ice->tuples[i].ice && (best < 0 || ice->tuples[i].heard_us > ice->tuples[best].heard_us))
            best = i;
    return best < 0 ? NULL : &ice->tuples[best].addr;
}

/* ---- life ---- */

void ice_open(struct ice *ice, struct ice_table *t, void *owner)
{
    memset(ice, 0, sizeof(*ice));
    ice->table = t;
    ice->owner = owner;
    ice->selected = ice->previous = -1;
    cred_make(ice, &ice->now);
}

void ice_restart(struct ice *ice)
{
    struct ice_cred keep = ice->now;

    cred_unlink(&ice->before);
    cred_unlink(&ice->now);
    memcpy(ice->before.ufrag, keep.ufrag, sizeof(keep.ufrag));
    memcpy(ice->before.pwd, keep.pwd, sizeof(keep.pwd));
    cred_link(ice, &ice->before);
    cred_make(ice, &ice->now);
    ice->restarting = true;
    ice->before_until_us = 0;
}

void ice_close(struct ice *ice)
{
    if (!ice->table)
        return;
    for (int i = 0; i < ICE_TUPLES_MAX; i++)
        tuple_unlink(ice, i);
    cred_unlink(&ice->now);
    cred_unlink(&ice->before);
    ice->table = NULL;
}

void ice_tick(struct ice *ice, int64_t now_us)
{
    if (ice->previous >= 0 && now_us >= ice->previous_until_us)
        tuple_unlink(ice, ice->previous);
    if (ice->before.ice && ice->before_until_us && now_us >= ice->before_until_us)
        cred_unlink(&ice->before);
    for (int i = 0; i < ICE_TUPLES_MAX; i++)
        if (ice->tuples[i].ice && i != ice->selected && now_us - ice->tuples[i].heard_us > ICE_TUPLE_IDLE_US)
            tuple_unlink(ice, i);
}

/* ---- requests ---- */

static uint64_t network_of(const struct addr *a)
{
    if (a->sa.sa_family != AF_INET6)
        return ntohl(a->in4.sin_addr.s_addr) >> 8;
    uint64_t net = 0;
    memcpy(&net, &a->in6.sin6_addr, 7);
    return net | UINT64_C(1) << 63;
}

static struct fails *fails_of(struct ice_table *t, const struct addr *from, int64_t now_us)
{
    struct fails *f = &t->fails[hash_mix(network_of(from) ^ t->seed) & (FAIL_BUCKETS - 1)];
    int64_t leaked = (now_us - f->at_us) * FAILS_PER_S / 1000000;

    if (leaked > 0) {
        f->count = f->count > leaked ? (int32_t)(f->count - leaked) : 0;
        f->at_us = now_us;
    }
    return f;
}

/* The same transaction from another address is somebody repeating what they overheard. */
static bool replayed(struct ice *ice, const struct stun_msg *m, const struct addr *from)
{
    uint64_t id, source = addr_hash(from, ice->table->seed) & 0xffff;

    memcpy(&id, m->txid, sizeof(id));
    id = (id & ~UINT64_C(0xffff)) | source;
    for (unsigned i = 0; i < 64; i++)
        if ((ice->seen[i] ^ id) < 0x10000)
            return ice->seen[i] != id;
    ice->seen[ice->seen_at++ & 63] = id;
    return false;
}

static struct ice_cred *authenticate(struct ice_table *t, const struct stun_msg *m, const struct addr *from,
                                     int64_t now_us)
{
    struct fails *f;
    struct ice_cred *c;
    const char *ufrag;
    size_t len;

    if (m->type != STUN_BINDING_REQUEST || !m->integrity_at || !m->fingerprint_ok ||
        !stun_local_ufrag(m, &ufrag, &len)) {
        ice_counts.malformed++;
        return NULL;
    }
    c = cred_find(t, ufrag, len);
    if (!c) {
        ice_counts.unknown_ufrag++;
        return NULL;
    }
    f = fails_of(t, from, now_us);
    if (f->count >= FAILS_PER_S && !ice_find(t, from)) {
        ice_counts.rate_limited++;
        return NULL;
    }
    if (!stun_check_integrity(m, c->pwd)) {
        ice_counts.bad_integrity++;
        f->count++;
        return NULL;
    }
    return c;
}

static enum ice_result accept_request(struct ice_cred *c, const struct stun_msg *m, const struct addr *from,
                                      int64_t now_us, uint8_t *reply, size_t *reply_len)
{
    struct ice *ice = c->ice;
    int i = tuple_learn(ice, from);

    ice->tuples[i].heard_us = now_us;
    ice->heard_us = now_us;
    *reply_len = stun_write_response(reply, m->txid, from, c->pwd);
    ice_counts.answered++;
    if (!m->use_candidate || (c == &ice->before && !ice->restarting))
        return ICE_ANSWERED;
    if (c == &ice->now && ice->restarting) {
        ice->restarting = false;
        ice->before_until_us = now_us + ICE_OVERLAP_US;
    }
    if (i == ice->selected)
        return ICE_ANSWERED;
    tuple_select(ice, i, now_us);
    return ICE_SELECTED;
}

enum ice_result ice_receive(struct ice_table *t, const uint8_t *data, size_t len, const struct addr *from,
                            int64_t now_us, struct ice **who, uint8_t *reply, size_t *reply_len)
{
    struct stun_msg m;
    struct ice_cred *c;

    *who = NULL;
    if (!stun_parse(data, len, &m)) {
        ice_counts.malformed++;
        return ICE_DROPPED;
    }
    c = authenticate(t, &m, from, now_us);
    if (!c)
        return ICE_DROPPED;
    if (replayed(c->ice, &m, from)) {
        ice_counts.replayed++;
        return ICE_DROPPED;
    }
    *who = c->ice;
    if (m.unknown || m.controlled) {
        /* RFC 8445 7.3.1.1: the lite side is always the controlled one. */
        *reply_len = m.unknown ? stun_write_error(reply, m.txid, 420, m.unknown, c->pwd)
                               : stun_write_error(reply, m.txid, 487, 0, c->pwd);
        return ICE_ANSWERED;
    }
    return accept_request(c, &m, from, now_us, reply, reply_len);
}
