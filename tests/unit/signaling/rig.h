/* rig.h - a real yz-signald between a real PostgreSQL and neighbours that the test plays itself.
 *
 * The daemon runs as a child with a data folder of the test's own. The scheduler and one media worker are played on the
 * test's loop: what they were asked is kept, what they answer is set by the test. Clients (HTTP and WebSocket) turn
 * the same loop while they wait, so one thread plays everybody.
 */
#pragma once
#include <jansson.h>
#include "core/ask_server.h"
#include "tests/unit/pg_fixture.h"

struct rig_answer {
    int status; /* 0: the connection ended without one */
    char head[4096];
    char *body;   /* NUL-terminated */
    json_t *json; /* NULL when it is none */
};

struct rig {
    struct test *t;
    struct loop *loop;
    const char *dir;
    int pid; /* of yz-signald */
    /* the scheduler */
    struct wire_server *sched_server;
    struct wire *sched; /* NULL when signald is not connected */
    uint64_t seq;
    int asked; /* requests, without presence */
    int presences;
    char last_op[32], last_body[4096], last_key[ASK_KEY_MAX + 1], last_event[16];
    bool silent;       /* answers nothing */
    bool no_scheduler; /* set before rig_start */
    uint64_t subscribed_after;
    /* the imaging room; there when the test calls rig_imaging(r, true) */
    struct ask_server *imaging;
    uint64_t imaging_subscribed_after;
    /* the media workers; the second one is there when the test calls rig_media(r, 1, true) */
    struct rig_media {
        struct rig *rig;
        unsigned index;
        struct wire_server *server;
        struct wire *wire;
    } media[2];
    unsigned last_worker;
    uint64_t boot;
    int rooms_opened, offers, leaves, records;
    char last_peer[64], last_from[64], last_dir[96];
    uint8_t last_rights;
    uint64_t last_epoch;
};

/** Demo people with the password "demo-password", visit VISIT with seats for doctor1 and patient1. */
#define RIG_REGION 150000
#define RIG_VISIT  "9001"
#define RIG_ROOM   "roomword1234"
struct rig *rig_start(struct test *t, const char *more_settings);
void rig_scheduler(struct rig *r, bool up);
void rig_imaging(struct rig *r, bool up);                /* answers what it was asked */
void rig_media(struct rig *r, unsigned worker, bool up); /* comes up with a new boot */
void rig_database(struct rig *r, bool up);
/** The daemon ended and has to be there again. how: a signal. */
void rig_restart(struct rig *r, int how);
/** Ends the daemon as ops/down would; the test fails when it complains. */
void rig_state(struct rig *r, const char *state); /* of the visit, with the scheduler's event */
void rig_event(struct rig *r, uint64_t seq, const char *topic, int64_t account_id, const char *data);

/** headers: "Name: value\r\n"…; body NULL: none. Lent until the next call. */
const struct rig_answer *rig_http(struct rig *r, const char *method, const char *path, const char *headers,
                                  const char *body);
/** Bytes as they are; what came back up to where `until` stands in it (NULL: to the end of the connection). Lent until
 * the next call. @param[out] ended the other side has closed */
const char *rig_raw(struct rig *r, const char *bytes, size_t len, const char *until, bool *ended);
/** Say it, stay for so long whatever comes, and leave. */
void rig_raw_and_leave(struct rig *r, const char *bytes, size_t len, int stay_ms);
const char *rig_code(const struct rig_answer *a); /* of a problem, "" otherwise */
/** "Cookie: yz_session=…\r\n" of somebody newly logged in; lent until the test ends. */
const char *rig_login(struct rig *r, const char *login);
/** "Authorization: Bearer …\r\n" of doctor1 */
const char *rig_bearer(struct rig *r, const char *room, bool publish, bool subscribe, int life_s);
/** The same of somebody else, for no room. */
const char *rig_bearer_of(struct rig *r, int64_t account_id, int64_t tenant_id, uint32_t roles);
/** "/ws?token=…" with a token good for one socket. */
const char *rig_join_path(struct rig *r, int life_s);

struct rig_ws;
/** path "/ws" or with a token; headers as above. NULL with *status when refused. */
struct rig_ws *rig_ws_open(struct rig *r, const char *path, const char *headers, int *status);
void rig_ws_say(struct rig_ws *w, const char *text);
void rig_ws_bytes(struct rig_ws *w, const void *bytes, size_t len); /* as they are */
/** The next message of this type (others before it are dropped); fails the test after 20 s. Lent until the next call. */
const json_t *rig_ws_hear(struct rig_ws *w, const char *type);
/** How many of this type come before the next `until`. */
int rig_ws_count(struct rig_ws *w, const char *type, const char *until);
bool rig_ws_ended(struct rig_ws *w); /* by the other side; waits for it */
void rig_ws_drop(struct rig_ws *w);  /* without a good-bye */
/** Open, hello, welcome. */
struct rig_ws *rig_ws_greet(struct rig *r, const char *who_headers, const char *resume);
const char *rig_str(const json_t *doc, const char *key);
