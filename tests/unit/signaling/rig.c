#include "tests/unit/signaling/rig.h"
#include "core/clock.h"
#include "core/crypto.h"
#include "core/mem.h"
#include "media/protocol.h"
#include "records/roles.h"
#include "signaling/owner.h"
#include "signaling/token.h"
#include "tests/unit/signaling/rig_private.h"
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PASSWORD "demo-password"

/* --- the scheduler, played --- */

static void sched_hello(struct rig *r)
{
    struct wire_out *o = wire_begin(r->sched, ASK_HELLO, 0);

    ask_put_hello(o, &(struct ask_hello){RIG_REGION, 1, r->seq});
    wire_send(o);
}

static void sched_open(void *arg, struct wire *w)
{
    struct rig *r = arg;

    r->sched = w;
    sched_hello(r);
}

static void sched_close(void *arg, struct wire *w)
{
    struct rig *r = arg;

    if (r->sched == w)
        r->sched = NULL;
}

static void sched_answer(struct rig *r, uint64_t request_id)
{
    char text[64];
    struct wire_out *o;
    int n = snprintf(text, sizeof text, "{\"n\":%d}", r->asked);

    if (strstr(r->last_body, "refuse-me")) {
        o = wire_begin(r->sched, ASK_REFUSED, request_id);
        ask_put_refused(o, &(struct err){ERR_CONFLICT, "claim_lost", "somebody else"}, "{\"log_id\":\"88\"}",
                        15);
    } else {
        o = wire_begin(r->sched, ASK_ANSWER, request_id);
        ask_put_answer(o, text, (size_t)n);
    }
    wire_send(o);
}

static void keep(struct rig *r, enum owner owner, const struct ask_request *ask)
{
    CHECK(ask->op < OWNERS[owner].ops_n && ask->body_len < sizeof r->last_body);
    memcpy(r->last_body, ask->body, ask->body_len);
    r->last_body[ask->body_len] = '\0';
    snprintf(r->last_key, sizeof r->last_key, "%s", ask->key);
    snprintf(r->last_op, sizeof r->last_op, "%s", OWNERS[owner].ops[ask->op].name);
}

static void sched_request(struct rig *r, struct wire_in *in)
{
    struct ask_request ask;

    CHECK(ask_get_request(in, &ask));
    keep(r, OWNER_SCHEDULER, &ask);
    if (ask.op == SCHED_OP_PRESENCE) {
        json_t *doc = json_loads(r->last_body, 0, NULL);
        CHECK_INT(ask.roles, ROLE_SYSTEM);
        snprintf(r->last_event, sizeof r->last_event, "%s", rig_str(doc, "event"));
        json_decref(doc);
        r->presences++;
        sched_answer(r, in->request_id);
        return;
    }
    r->asked++;
    if (!r->silent)
        sched_answer(r, in->request_id);
}

static void sched_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct rig *r = arg;
    struct ask_subscription sub;

    (void)w;
    if (in->type == ASK_SUBSCRIBE) {
        CHECK(ask_get_subscribe(in, &sub) && sub.region_id == RIG_REGION);
        r->subscribed_after = sub.after_seq;
    } else {
        CHECK_INT(in->type, ASK_REQUEST);
        sched_request(r, in);
    }
}

void rig_scheduler(struct rig *r, bool up)
{
    struct err err = ERR_INIT;
    struct wire_events ev = {
        .on_open = sched_open, .on_message = sched_message, .on_close = sched_close, .arg = r};

    wire_server_free(r->sched_server);
    r->sched_server = NULL;
    r->sched = NULL;
    if (up)
        CHECK_OK(
            wire_listen(&r->sched_server, r->loop, test_path(r->t, r->dir, "run/schedulerd.sock"), ev, &err),
            &err);
}

void rig_event(struct rig *r, uint64_t seq, const char *topic, int64_t account_id, const char *data)
{
    struct wire_out *o = wire_begin(r->sched, ASK_EVENT, 0);
    struct ask_event ev = {.region_id = RIG_REGION,
                           .seq = seq,
                           .accounts = &account_id,
                           .n_accounts = 1,
                           .json = data,
                           .json_len = strlen(data)};

    snprintf(ev.topic, sizeof ev.topic, "%s", topic);
    ask_put_event(o, &ev);
    wire_send(o);
}

void rig_state(struct rig *r, const char *state)
{
    char *sql = mem_format("UPDATE records.visits SET state = '%s',"
                           " live_at = CASE WHEN '%s' IN ('live', 'documenting') THEN now() ELSE live_at END,"
                           " ended_at = CASE WHEN '%s' = 'documenting' THEN now() END WHERE id = " RIG_VISIT,
                           state, state, state);

    pg_sql(sql);
    free(sql);
    r->seq++;
    rig_event(r, r->seq, "order", 999, "{\"order_id\":\"8001\",\"visit_id\":\"" RIG_VISIT "\"}");
}

/* --- the imaging room, played: the owner's end as it really is --- */

static void imaging_request(void *arg, uint64_t conn_id, uint64_t request_id, const struct ask_request *ask)
{
    struct rig *r = arg;
    json_t *doc = json_pack("[{s:s}]", "id", "77");

    keep(r, OWNER_IMAGING, ask);
    ask_server_answer(r->imaging, conn_id, request_id, doc);
    json_decref(doc);
}

static void imaging_subscribe(void *arg, uint64_t conn_id, uint64_t after_seq, bool first)
{
    struct rig *r = arg;

    (void)first;
    r->imaging_subscribed_after = after_seq;
    ask_server_replayed(r->imaging, conn_id, after_seq == ASK_FROM_NOW ? 0 : after_seq);
}

void rig_imaging(struct rig *r, bool up)
{
    struct ask_server_events ev = {
        .on_request = imaging_request, .on_subscribe = imaging_subscribe, .arg = r};
    struct err err = ERR_INIT;

    ask_server_free(r->imaging);
    r->imaging = NULL;
    if (!up)
        return;
    CHECK_OK(ask_server_new(&r->imaging, r->loop, test_path(r->t, r->dir, "run/dicomd-ask.sock"), RIG_REGION,
                            &ev, &err),
             &err);
    ask_server_own(r->imaging, 1, 40);
}

/* --- the media worker, played --- */

static void media_open(void *arg, struct wire *w)
{
    struct rig_media *m = arg;
    struct wire_out *o;

    m->wire = w;
    o = wire_begin(w, MEDIA_HELLO, 0);
    wire_put_u16(o, (uint16_t)m->index);
    wire_put_str(o, "127.0.0.1");
    wire_put_u16(o, 20000);
    wire_put_u32(o, 1);
    wire_put_u64(o, m->rig->boot);
    wire_send(o);
}

static void media_close(void *arg, struct wire *w)
{
    struct rig_media *m = arg;

    if (m->wire == w)
        m->wire = NULL;
}

static void media_offer(struct rig *r, struct wire *w, struct wire_in *in)
{
    char room[64];
    struct wire_out *o;
    size_t len;

    wire_get_str(in, room, sizeof room);
    r->last_epoch = wire_get_u64(in);
    wire_get_str(in, r->last_peer, sizeof r->last_peer);
    r->last_rights = wire_get_u8(in);
    wire_get_str(in, r->last_from, sizeof r->last_from);
    wire_get_bytes(in, &len);
    CHECK(wire_end(in));
    r->offers++;
    o = wire_begin(w, MEDIA_ANSWER, in->request_id);
    wire_put_bytes(o, "v=0\r\n", 5);
    wire_put_str(o, "etag1");
    wire_send(o);
}

/* The worker has one peer: the last one that offered. */
static void media_stats(struct rig *r, struct wire *w, struct wire_in *in)
{
    struct wire_out *o = wire_begin(w, MEDIA_STATS_REPLY, in->request_id);
    char *text = mem_format("{\"peers\":[{\"peer\":\"%s\"}]}", r->last_peer);

    wire_put_bytes(o, text, strlen(text));
    wire_send(o);
    free(text);
}

static void media_order(struct rig *r, struct wire_in *in)
{
    char room[64];

    wire_get_str(in, room, sizeof room);
    switch (in->type) {
    case MEDIA_ROOM_OPEN:
        r->rooms_opened++;
        r->last_epoch = wire_get_u64(in);
        break;
    case MEDIA_PEER_LEAVE:
        r->leaves++;
        break;
    case MEDIA_PEER_RIGHTS:
        wire_get_str(in, r->last_peer, sizeof r->last_peer);
        r->last_rights = wire_get_u8(in);
        break;
    case MEDIA_RECORD:
        wire_get_u64(in);
        r->records += wire_get_u8(in) ? 1 : -1;
        wire_get_str(in, r->last_dir, sizeof r->last_dir);
        break;
    default:
        break;
    }
}

static void media_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct rig_media *m = arg;

    m->rig->last_worker = m->index;
    if (in->type == MEDIA_PEER_OFFER) {
        media_offer(m->rig, w, in);
        return;
    }
    if (in->type == MEDIA_STATS) {
        media_stats(m->rig, w, in);
        in->at = in->len;
        return;
    }
    media_order(m->rig, in);
    in->at = in->len;
    wire_send(wire_begin(w, MEDIA_OK, in->request_id));
}

void rig_media(struct rig *r, unsigned worker, bool up)
{
    struct rig_media *m = &r->media[worker];
    struct err err = ERR_INIT;
    struct wire_events ev = {
        .on_open = media_open, .on_message = media_message, .on_close = media_close, .arg = m};
    char *name = mem_format("run/mediad-%u.sock", worker);

    m->rig = r;
    m->index = worker;
    wire_server_free(m->server);
    m->server = NULL;
    m->wire = NULL;
    r->boot++;
    if (up)
        CHECK_OK(wire_listen(&m->server, r->loop, test_path(r->t, r->dir, name), ev, &err), &err);
    free(name);
}

/* --- the database --- */

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "re");
    char *text = mem_new(1 << 20);

    CHECK(f != NULL);
    text[fread(text, 1, (1 << 20) - 1, f)] = '\0';
    fclose(f);
    return text;
}

static void load_people(void)
{
    static bool done;
    struct err err = ERR_INIT;
    char hash[128], *sql;

    if (!done) {
        sql = read_file(YZ_SOURCE_DIR "/records/demo.sql");
        pg_sql(sql);
        free(sql);
        CHECK_OK(crypto_password_hash(PASSWORD, hash, &err), &err);
        sql = mem_format("UPDATE records.accounts SET password_hash = '%s'", hash);
        pg_sql(sql);
        free(sql);
        done = true;
    }
    pg_sql("INSERT INTO records.visits (region_id, id, tenant_id, order_id, person_id, room_id, channel, "
           "kind, state, clinic_name, created_at)"
           " VALUES (150000, 9001, 31, 8001, 101, 'roomword1234', 'home_direct', 'follow_up', 'waiting', "
           "'Demo clinic', now()) ON CONFLICT DO NOTHING;"
           "INSERT INTO records.visit_seats (region_id, visit_id, id, tenant_id, role, account_id, "
           "person_id, staff_id, name) VALUES"
           " (150000, 9001, 7001, 31, 'doctor', 311, NULL, 201, 'Dr One'), (150000, 9001, 7002, 11, "
           "'patient', 301, 101, NULL, 'Patient One') ON CONFLICT DO NOTHING;"
           "INSERT INTO records.access (region_id, subject_id, tenant_id, purpose, id, granted_at, until)"
           " VALUES (150000, 101, 31, 'care', 2, now(), now() + interval '1 day') ON CONFLICT DO NOTHING;"
           "UPDATE records.visits SET state = 'waiting', live_at = NULL, ended_at = NULL WHERE id = 9001;"
           "DELETE FROM records.consents; DELETE FROM records.recordings");
}

void rig_database(struct rig *r, bool up)
{
    const char *own = pg_conninfo(PG_SUPERUSER), *name = strstr(own, "dbname=") + 7;
    char *admin = mem_format("%.*spostgres", (int)(name - own), own), *sql;

    (void)r;
    sql = mem_format(
        "ALTER DATABASE %s WITH ALLOW_CONNECTIONS %s; SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = '%s' AND NOT %s",
        name, up ? "true" : "false", name, up ? "true" : "false");
    pg_sql_at(admin, sql);
    free(sql);
    free(admin);
}

/* --- the daemon --- */

static void spawn(struct rig *r)
{
    char *data = mem_format("--data=%s", r->dir), *db = mem_format("--db=%s", pg_conninfo("yz_signald"));
    char *log = mem_format("%s/signald.log", r->dir);
    const char *more = rig_settings(r);

    r->pid = fork();
    if (r->pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(fd, STDERR_FILENO);
        execl(YZ_BUILD_DIR "/bin/yz-signald", "yz-signald", data, db, "--log.level=debug",
              *more ? more : NULL, (char *)NULL);
        _exit(127);
    }
    free(log);
    free(db);
    free(data);
}

static void show_log(const struct rig *r)
{
    char *path = mem_format("%s/signald.log", r->dir), *text = read_file(path);
    size_t len = strlen(text);

    fprintf(stderr, "%s\n", text + (len > 6000 ? len - 6000 : 0));
    free(text);
    free(path);
}

static void stop(void *arg)
{
    struct rig *r = arg;
    int status = 0;

    rig_clients_end(r);
    if (r->pid > 0) {
        kill(r->pid, SIGTERM);
        waitpid(r->pid, &status, 0);
    }
    if (status != 0)
        show_log(r);
    rig_scheduler(r, false);
    rig_imaging(r, false);
    rig_media(r, 0, false);
    rig_media(r, 1, false);
    loop_free(r->loop);
    rig_private_free(r);
    free(r);
    /* A sanitizer's report ends the daemon with a status of its own. */
    CHECK_INT(status, 0);
}

static bool answers(struct rig *r)
{
    const struct rig_answer *a = rig_http(r, "GET", "/readyz", "", NULL);

    return a->status == 200 || (a->status == 503 && r->no_scheduler && a->json &&
                                json_is_true(json_object_get(a->json, "database")));
}

static void wait_ready(struct rig *r)
{
    int64_t deadline = test_deadline_us(20000);

    while (!answers(r)) {
        if (clock_mono_us() > deadline) {
            show_log(r);
            fail_msg("yz-signald is not ready");
        }
        loop_turn(r->loop, 20);
    }
}

void rig_restart(struct rig *r, int how)
{
    kill(r->pid, how);
    waitpid(r->pid, NULL, 0);
    rig_clients_end(r);
    spawn(r);
    wait_ready(r);
}

struct rig *rig_start(struct test *t, const char *more_settings)
{
    struct rig *r = mem_new(sizeof *r);
    struct err err = ERR_INIT;

    r->t = t;
    r->seq = 100;
    r->boot = 1;
    r->dir = test_dir(t);
    rig_private_new(r, more_settings);
    CHECK_OK(loop_new(&r->loop, &err), &err);
    test_cleanup(t, stop, r);
    mkdir(test_path(t, r->dir, "run"), 0700);
    mkdir(test_path(t, r->dir, "keys"), 0700);
    mkdir(test_path(t, r->dir, "recordings"), 0700);
    load_people();
    rig_scheduler(r, true);
    rig_media(r, 0, true);
    spawn(r);
    wait_ready(r);
    return r;
}

/* --- who calls --- */

const char *rig_login(struct rig *r, const char *login)
{
    char *body = mem_format("{\"login\":\"%s\",\"password\":\"" PASSWORD "\"}", login), *cookie;
    const struct rig_answer *a =
        rig_http(r, "POST", "/api/v1/session", "Content-Type: application/json\r\n", body);
    const char *at;

    CHECK_INT(a->status, 201);
    at = strstr(a->head, "yz_session=");
    CHECK(at != NULL);
    cookie = mem_format("Cookie: %.*s\r\n", (int)strcspn(at, ";"), at);
    free(body);
    return rig_keep(r, cookie);
}

static char *token(struct rig *r, struct token_claims c, int life_s)
{
    int64_t now = clock_now_us();
    struct err err = ERR_INIT;
    uint8_t key[32];
    char *out = NULL;

    if (!c.account_id) {
        c.account_id = 311;
        c.tenant_id = 31;
        c.roles = ROLE_DOCTOR;
    }
    c.region_id = RIG_REGION;
    c.issued_at_us = now - (life_s < 0 ? 100 * US_PER_S : 0);
    c.not_before_us = now - 100 * US_PER_S;
    c.expires_at_us = now + life_s * US_PER_S;
    CHECK_OK(secret_load(test_path(r->t, r->dir, "keys/token.key"), key, &err), &err);
    CHECK_OK(token_claims_build(key, &c, &out, &err), &err);
    return out;
}

const char *rig_bearer(struct rig *r, const char *room, bool publish, bool subscribe, int life_s)
{
    struct token_claims c = {.publish = publish, .subscribe = subscribe};
    char *text, *header;

    snprintf(c.room, sizeof c.room, "%s", room);
    text = token(r, c, life_s);
    header = mem_format("Authorization: Bearer %s\r\n", text);
    free(text);
    return rig_keep(r, header);
}

const char *rig_bearer_of(struct rig *r, int64_t account_id, int64_t tenant_id, uint32_t roles)
{
    char *text = token(
        r, (struct token_claims){.account_id = account_id, .tenant_id = tenant_id, .roles = roles}, 600);
    char *header = mem_format("Authorization: Bearer %s\r\n", text);

    free(text);
    return rig_keep(r, header);
}

const char *rig_join_path(struct rig *r, int life_s)
{
    char *text = token(r, (struct token_claims){.kind = TOKEN_JOIN}, life_s),
         *path = mem_format("/ws?token=%s", text);

    free(text);
    return rig_keep(r, path);
}

const char *rig_str(const json_t *doc, const char *key)
{
    const char *s = json_string_value(json_object_get(doc, key));

    return s ? s : "";
}

const char *rig_code(const struct rig_answer *a)
{
    return rig_str(a->json, "code");
}
