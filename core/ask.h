/* ask.h - how one of our daemons asks another that owns something, and hears what changed there: numbers and layouts.
 *
 * Carrier  core/wire.h, one socket per owner. A request is a command or a question with a JSON body; the owner is the only judge.
 *          Answers come after the commit. Order of answers is not the order of requests (request_id tells).
 * Actor    whoever asks has authenticated the caller; the owner checks rights again (role, tenant, state) where it decides.
 * Events   are numbered without gaps per region; a subscriber that misses a number subscribes again from the last one it saw.
 * Ops      are the owner's own list (scheduling/protocol.h, dicom/protocol.h); here they are numbers.
 * Layouts  both halves of each message stand side by side in ask.c, so that they cannot drift apart. The asking side's loop is
 *          signaling/owner_link.c, the owner's is core/ask_server.c.
 * Owns     nothing: what ask_get_* fills in is lent by the frame. Any thread.
 */
#pragma once
#include "core/wire.h"

enum ask_msg {
    /* to the owner */
    ASK_REQUEST =
        0x300, /* u16 op, i64 region_id, i64 tenant_id, i64 account_id, i64 person_id (0 none), i64 staff_id (0 none),
                             u32 roles, str idempotency key ("" none), str client request id (for audit), bytes json body */
    ASK_SUBSCRIBE, /* i64 region_id, u64 after_seq (0 = from now): start streaming events */
    /* from the owner */
    ASK_ANSWER = 0x380, /* bytes json: the result document, given to the HTTP caller as it is */
    ASK_REFUSED, /* u16 err_code, str reason, str text, bytes json (details such as {"log_id":…}; may be empty) */
    ASK_EVENT, /* i64 region_id, u64 seq, str topic, u16 n, n × i64 tenant_id, u16 m, m × i64 account_id, u32 roles,
                           bytes json. A socket sees it when its account is listed, or its tenant is listed and (roles == 0 or it
                           has one of roles). Tenant 0 stands for every tenant of the region. */
    ASK_HELLO, /* i64 region_id, u64 epoch, u64 last_seq: sent on connect and when ownership changes */
};

#define ASK_KEY_MAX       128 /* bytes of an idempotency key */
#define ASK_CLIENT_ID_MAX 64
#define ASK_TOPIC_MAX     31
#define ASK_AUDIENCE_MAX  512 /* tenants of one event; as many accounts */

struct ask_request {
    unsigned op;
    int64_t region_id, tenant_id, account_id, person_id, staff_id;
    uint32_t roles; /* records/roles.h, where the parties are people */
    char key[ASK_KEY_MAX + 1], client_id[ASK_CLIENT_ID_MAX + 1];
    const uint8_t *body; /* lent */
    size_t body_len;
};
/** Strings longer than their limit must have been refused before. */
void ask_put_request(struct wire_out *o, const struct ask_request *r);
/** All getters: false when the frame is malformed; in->bad is set then, so that wire.c closes the connection. */
bool ask_get_request(struct wire_in *in, struct ask_request *out);

struct ask_subscription {
    int64_t region_id;
    uint64_t after_seq; /* 0: from now on */
};
void ask_put_subscribe(struct wire_out *o, const struct ask_subscription *s);
bool ask_get_subscribe(struct wire_in *in, struct ask_subscription *out);

void ask_put_answer(struct wire_out *o, const char *json, size_t len);
bool ask_get_answer(struct wire_in *in, const uint8_t **json, size_t *len);

/** @param details text, may be empty */
void ask_put_refused(struct wire_out *o, const struct err *err, const char *details, size_t len);
/** A code that is none becomes ERR_INTERNAL. */
bool ask_get_refused(struct wire_in *in, struct err *err, const uint8_t **details, size_t *len);

struct ask_audience { /* room for an event's ids while it is read */
    int64_t tenants[ASK_AUDIENCE_MAX], accounts[ASK_AUDIENCE_MAX];
};
struct ask_event {
    int64_t region_id;
    uint64_t seq;
    char topic[ASK_TOPIC_MAX + 1];
    const int64_t *tenants, *accounts; /* lent */
    size_t n_tenants, n_accounts;
    uint32_t roles;
    const char *json; /* lent; not NUL-terminated when it was read */
    size_t json_len;
};
void ask_put_event(struct wire_out *o, const struct ask_event *ev);
bool ask_get_event(struct wire_in *in, struct ask_event *out, struct ask_audience *room);

struct ask_hello {
    int64_t region_id;
    uint64_t epoch, last_seq;
};
void ask_put_hello(struct wire_out *o, const struct ask_hello *h);
bool ask_get_hello(struct wire_in *in, struct ask_hello *out);
