/* medialink.c - see medialink.h. */
#include "tests/load/rtc/medialink.h"

#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "core/clock.h"
#include "core/mem.h"
#include "core/wire.h"

extern char **environ;

#define PATIENCE_US 10000000
#define ARGS_MAX    16

struct medialink {
    struct loop *loop;
    struct wire *wire;
    pid_t pid;
    uint16_t port;
    uint64_t boot, next_id, waiting;
    bool greeted;
    /* the answer that was waited for */
    uint16_t type;
    struct err err;
    char *body;
    char etag[64];
    char **events;
    size_t event_count;
};

/* ---- events ---- */

static void keep(struct medialink *m, char *line)
{
    m->events = mem_grow(m->events, (m->event_count + 1) * sizeof(*m->events));
    m->events[m->event_count++] = line;
}

/* Reads by a pattern: s string, b byte, q 64 bits (not kept). */
static void on_event(struct medialink *m, struct wire_in *in, const char *name, const char *pattern)
{
    static const char *const STATES[] = {"new", "connected", "silent", "gone"};
    char line[512], word[128];
    int n = snprintf(line, sizeof(line), "%s", name);

    for (; *pattern; pattern++) {
        if (*pattern == 's')
            wire_get_str(in, word, sizeof(word));
        else if (*pattern == 'b')
            snprintf(word, sizeof(word), "%u", wire_get_u8(in));
        else if (*pattern == 'S')
            snprintf(word, sizeof(word), "%s", STATES[wire_get_u8(in) & 3]);
        else if (*pattern == 'q')
            wire_get_u64(in);
        else
            wire_get_u8(in);
        if (strchr("sbS", *pattern))
            n += snprintf(line + n, sizeof(line) - (size_t)n, " %s", word[0] ? word : "-");
    }
    if (wire_end(in))
        keep(m, mem_str(line));
}

static void on_hello(struct medialink *m, struct wire_in *in)
{
    char address[64];

    wire_get_u16(in);
    wire_get_str(in, address, sizeof(address));
    m->port = wire_get_u16(in);
    wire_get_u32(in);
    m->boot = wire_get_u64(in);
    m->greeted = wire_end(in);
}

/* ---- answers ---- */

static void on_answer(struct medialink *m, struct wire_in *in)
{
    const uint8_t *bytes;
    size_t len;

    m->type = in->type;
    if (in->type == MEDIA_ERROR) {
        m->err.code = (enum err_code)wire_get_u16(in);
        wire_get_str(in, m->err.reason, sizeof(m->err.reason));
        wire_get_str(in, m->err.text, sizeof(m->err.text));
    } else if (in->type == MEDIA_ANSWER || in->type == MEDIA_STATS_REPLY) {
        bytes = wire_get_bytes(in, &len);
        m->body = mem_new(len + 1);
        memcpy(m->body, bytes, len);
        if (in->type == MEDIA_ANSWER)
            wire_get_str(in, m->etag, sizeof(m->etag));
    }
    m->waiting = 0;
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct medialink *m = arg;

    (void)w;
    if (in->request_id) {
        if (in->request_id == m->waiting)
            on_answer(m, in);
        return;
    }
    switch (in->type) {
    case MEDIA_HELLO:
        on_hello(m, in);
        break;
    case MEDIA_PEER_STATE:
        on_event(m, in, "PEER_STATE", "ssS");
        break;
    case MEDIA_TRACK:
        on_event(m, in, "TRACK", "sssssb");
        break;
    case MEDIA_CHAIR:
        on_event(m, in, "CHAIR", "ssssss");
        break;
    case MEDIA_SPEAKER:
        on_event(m, in, "SPEAKER", "ss.");
        break;
    case MEDIA_ROOM_EMPTY:
        on_event(m, in, "ROOM_EMPTY", "s");
        break;
    case MEDIA_RECORD_STATE:
        on_event(m, in, "RECORD_STATE", "sbqs");
        break;
    default:
        break;
    }
}

static struct wire_out *begin(struct medialink *m, uint16_t type)
{
    struct wire_out *o = wire_begin(m->wire, type, m->waiting = ++m->next_id);

    err_clear(&m->err);
    m->type = 0;
    free(m->body);
    m->body = NULL;
    return o;
}

static bool finish(struct medialink *m, struct wire_out *o, struct err *err)
{
    int64_t deadline = clock_mono_us() + PATIENCE_US;

    if (!o || !wire_send(o))
        return err_set(err, ERR_AGAIN, "not_connected", "the worker is not there");
    while (m->waiting && clock_mono_us() < deadline)
        loop_turn(m->loop, 20);
    if (m->waiting)
        return err_set(err, ERR_UNKNOWN, "no_answer", "the worker said nothing");
    if (m->type == MEDIA_ERROR)
        return err_set(err, m->err.code, m->err.reason, "%s", m->err.text);
    return true;
}

static bool simple(struct medialink *m, uint16_t type, const char *room, const uint64_t *epoch,
                   const char *peer, const uint8_t *byte, const char *dir, struct err *err)
{
    struct wire_out *o = begin(m, type);

    if (o) {
        wire_put_str(o, room);
        if (epoch)
            wire_put_u64(o, *epoch);
        if (peer)
            wire_put_str(o, peer);
        if (byte)
            wire_put_u8(o, *byte);
        if (dir)
            wire_put_str(o, dir);
    }
    return finish(m, o, err);
}

bool medialink_room_open(struct medialink *m, const char *room, uint64_t epoch, const char *record_dir,
                         struct err *err)
{
    uint8_t record = record_dir != NULL;

    return simple(m, MEDIA_ROOM_OPEN, room, &epoch, NULL, &record, record_dir ? record_dir : "", err);
}

bool medialink_room_close(struct medialink *m, const char *room, uint64_t epoch, struct err *err)
{
    return simple(m, MEDIA_ROOM_CLOSE, room, &epoch, NULL, NULL, NULL, err);
}

bool medialink_record(struct medialink *m, const char *room, uint64_t epoch, const char *dir, struct err *err)
{
    uint8_t on = dir != NULL;

    return simple(m, MEDIA_RECORD, room, &epoch, NULL, &on, dir ? dir : "", err);
}

bool medialink_rights(struct medialink *m, const char *room, const char *peer, uint8_t rights,
                      struct err *err)
{
    return simple(m, MEDIA_PEER_RIGHTS, room, NULL, peer, &rights, NULL, err);
}

bool medialink_leave(struct medialink *m, const char *room, const char *peer, struct err *err)
{
    return simple(m, MEDIA_PEER_LEAVE, room, NULL, peer, NULL, NULL, err);
}

bool medialink_offer(struct medialink *m, const struct medialink_offer *of, char **answer, char *etag,
                     struct err *err)
{
    struct wire_out *o = begin(m, MEDIA_PEER_OFFER);

    if (o) {
        wire_put_str(o, of->room);
        wire_put_u64(o, of->epoch);
        wire_put_str(o, of->peer);
        wire_put_u8(o, of->rights);
        wire_put_str(o, of->from ? of->from : "");
        wire_put_bytes(o, of->sdp, strlen(of->sdp));
    }
    if (!finish(m, o, err))
        return false;
    *answer = m->body;
    m->body = NULL;
    if (etag)
        memcpy(etag, m->etag, sizeof(m->etag));
    return true;
}

bool medialink_trickle(struct medialink *m, const char *room, const char *peer, const char *fragment,
                       char **answer, struct err *err)
{
    struct wire_out *o = begin(m, MEDIA_PEER_TRICKLE);

    if (o) {
        wire_put_str(o, room);
        wire_put_str(o, peer);
        wire_put_bytes(o, fragment, strlen(fragment));
    }
    if (!finish(m, o, err))
        return false;
    *answer = m->body;
    m->body = NULL;
    return true;
}

char *medialink_stats(struct medialink *m, const char *room, const char *peer, struct err *err)
{
    char *json;

    if (!simple(m, MEDIA_STATS, room, NULL, peer, NULL, NULL, err))
        return NULL;
    json = m->body;
    m->body = NULL;
    return json;
}

/* ---- the worker ---- */

static bool spawn(struct medialink *m, const char *program, const char *data, const char *const *args,
                  struct err *err)
{
    char *argv[ARGS_MAX + 4] = {(char *)(uintptr_t)program, mem_format("--data=%s", data),
                                (char *)(uintptr_t) "--media.port=0",
                                (char *)(uintptr_t) "--media.address=127.0.0.1"};
    int rc;

    for (int i = 0; args && args[i] && i < ARGS_MAX - 1; i++)
        argv[4 + i] = (char *)(uintptr_t)args[i];
    rc = posix_spawn(&m->pid, program, NULL, NULL, argv, environ);
    free(argv[1]);
    return rc == 0 || err_set(err, ERR_IO, "spawn", "%s: %s", program, strerror(rc));
}

bool medialink_start(struct medialink **out, struct loop *l, const char *program, const char *data,
                     const char *const *args, struct err *err)
{
    struct medialink *m = mem_new(sizeof(*m));
    char *run = mem_format("%s/run", data), *path = mem_format("%s/run/mediad-0.sock", data);
    int64_t deadline = clock_mono_us() + PATIENCE_US;
    bool ok;

    m->loop = l;
    mkdir(data, 0700);
    mkdir(run, 0700);
    ok = spawn(m, program, data, args, err);
    if (ok) {
        m->wire = wire_connect(l, path, (struct wire_events){.on_message = on_message, .arg = m});
        while (!m->greeted && clock_mono_us() < deadline)
            loop_turn(l, 20);
        ok = m->greeted || err_set(err, ERR_UNKNOWN, "no_greeting", "the worker did not come up");
    }
    free(run);
    free(path);
    if (ok)
        *out = m;
    else
        medialink_free(m);
    return ok;
}

int medialink_stop(struct medialink *m)
{
    int status = 0;

    if (m->pid <= 0)
        return -1;
    kill(m->pid, SIGTERM);
    waitpid(m->pid, &status, 0);
    m->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void medialink_free(struct medialink *m)
{
    if (!m)
        return;
    wire_close(m->wire);
    medialink_stop(m);
    medialink_forget(m);
    free(m->events);
    free(m->body);
    free(m);
}

pid_t medialink_pid(const struct medialink *m)
{
    return m->pid;
}

uint16_t medialink_port(const struct medialink *m)
{
    return m->port;
}

uint64_t medialink_boot(const struct medialink *m)
{
    return m->boot;
}

unsigned medialink_events(const struct medialink *m, const char *line)
{
    unsigned n = 0;

    for (size_t i = 0; i < m->event_count; i++)
        n += strcmp(m->events[i], line) == 0;
    return n;
}

const char *medialink_last(const struct medialink *m, const char *prefix)
{
    for (size_t i = m->event_count; i-- > 0;)
        if (strncmp(m->events[i], prefix, strlen(prefix)) == 0)
            return m->events[i];
    return "";
}

void medialink_forget(struct medialink *m)
{
    for (size_t i = 0; i < m->event_count; i++)
        free(m->events[i]);
    m->event_count = 0;
}
