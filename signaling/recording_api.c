/* GET …/recording and …/recording/tracks/{track}: what yz-recorderd's manifest says, and the file by nginx. */
#include "core/clock.h"
#include "core/db/db.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mailbox.h"
#include "core/mem.h"
#include "records/trail.h"
#include "signaling/recording.h"
#include "signaling/recording.sql.h"
#include "signaling/signald.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLAY         "recording.play"
#define MANIFEST_MAX (4u << 20)
static const struct json_limits MANIFEST_LIMITS = {MANIFEST_MAX, 12};

/* One look at a recording, from the rows to the file and back. */
struct view {
    struct request *req;
    int64_t visit_id, tenant_id, person_id;
    char state[16];
    char path[640];
    json_t *seats;    /* seat id -> role */
    json_t *manifest; /* read by the worker; NULL when there is none (yet) */
    bool track;       /* one track is asked for, in req->param[1] */
    json_t *answer;
};

static void view_free(struct view *v)
{
    json_decref(v->seats);
    json_decref(v->manifest);
    json_decref(v->answer);
    free(v);
}

static void fail(struct view *v, const struct err *err)
{
    request_problem(v->req, err, NULL);
    view_free(v);
}

static void not_found(struct view *v)
{
    fail(v, &(struct err){ERR_NOT_FOUND, "not_found", "no such visit, recording or track"});
}

/* --- on a worker thread: the file --- */

static uint8_t *read_all(const char *path, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    uint8_t *text = NULL;
    struct stat st;
    ssize_t n = 0;

    if (fd < 0)
        return NULL;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= MANIFEST_MAX) {
        text = mem_new((size_t)st.st_size);
        n = read(fd, text, (size_t)st.st_size);
    }
    close(fd);
    *len = n > 0 ? (size_t)n : 0;
    return text;
}

static void load_manifest(void *arg)
{
    struct view *v = arg;
    size_t len = 0;
    uint8_t *text = read_all(v->path, &len);

    if (text)
        json_parse(&v->manifest, text, len, &MANIFEST_LIMITS, NULL);
    free(text);
}

/* --- back on the loop: what it says --- */

static const char *str(const json_t *obj, const char *key)
{
    const char *s = json_string_value(json_object_get(obj, key));

    return s ? s : "";
}

static bool word_ok(const char *s)
{
    size_t len = strlen(s);

    return len && len <= 64 && *s != '.' &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

static json_t *seat_role(const struct view *v, const char *peer)
{
    char id[ID_TEXT];
    json_t *role = NULL;

    if (*peer == 's' && strcspn(peer + 1, "-") < sizeof id) {
        snprintf(id, sizeof id, "%.*s", (int)strcspn(peer + 1, "-"), peer + 1);
        role = json_object_get(v->seats, id);
    }
    return role ? json_incref(role) : json_null();
}

static json_t *track_doc(const struct view *v, const json_t *track)
{
    char url[192];

    snprintf(url, sizeof url, "/api/v1/visits/%" PRId64 "/recording/tracks/%s", v->visit_id,
             str(track, "id"));
    return json_pack("{s:s, s:o, s:s, s:s, s:s, s:I, s:I}", "id", str(track, "id"), "seat_role",
                     seat_role(v, str(track, "peer")), "kind", str(track, "kind"), "codec",
                     str(track, "codec"), "url", url, "duration_ms",
                     json_integer_value(json_object_get(track, "duration_ms")), "bytes",
                     json_integer_value(json_object_get(track, "bytes")));
}

static json_t *gaps_doc(const json_t *gaps)
{
    json_t *out = json_array();
    const json_t *gap;
    size_t i;

    json_array_foreach(gaps, i, gap) json_array_append_new(
        out,
        json_pack("{s:o, s:o, s:s}", "from", json_time(json_integer_value(json_object_get(gap, "from_us"))),
                  "to", json_time(json_integer_value(json_object_get(gap, "to_us"))), "reason",
                  str(gap, "reason")));
    return out;
}

static const json_t *find_track(const struct view *v, const char *id)
{
    const json_t *track;
    size_t i;

    json_array_foreach(json_object_get(v->manifest, "tracks"), i,
                       track) if (!strcmp(str(track, "id"), id)) return track;
    return NULL;
}

static json_t *list_doc(const struct view *v)
{
    json_t *tracks = json_array();
    const json_t *track;
    size_t i;

    json_array_foreach(json_object_get(v->manifest, "tracks"), i,
                       track) if (word_ok(str(track, "id")) && word_ok(str(track, "file")))
        json_array_append_new(tracks, track_doc(v, track));
    return json_pack("{s:s, s:o, s:o}", "state", v->manifest ? str(v->manifest, "state") : v->state, "gaps",
                     gaps_doc(json_object_get(v->manifest, "gaps")), "tracks", tracks);
}

/* --- the answer, after the audit row --- */

static const char *type_of(const json_t *track)
{
    const char *codec = str(track, "codec");

    if (!strcmp(codec, "opus"))
        return "audio/webm";
    return !strcmp(codec, "VP8") ? "video/webm"
                                 : "video/x-matroska"; /* WebM is Matroska with these codecs only */
}

static void answer_track(struct view *v)
{
    const json_t *track = find_track(v, v->req->param[1]);
    char accel[256];

    snprintf(accel, sizeof accel, "/internal/recordings/%" PRId64 "/%" PRId64 "/%s",
             request_app(v->req)->region_id, v->visit_id, str(track, "file"));
    request_header(v->req, "X-Accel-Redirect", accel);
    request_header(v->req, "Content-Disposition", "inline");
    request_answer_lent(v->req, 200, type_of(track), "", 0, NULL);
}

static void on_audited(void *arg, const struct err *err)
{
    struct view *v = arg;

    if (err) {
        fail(v, err);
        return;
    }
    if (v->track) {
        trail_saw(request_app(v->req)->trail, request_who(v->req)->account_id, v->visit_id, PLAY);
        answer_track(v);
    } else
        request_answer_json(v->req, 200, list_doc(v));
    view_free(v);
}

static void audit(struct view *v)
{
    const struct identity *who = v->req->who;
    char detail[128] = "{}";
    struct trail_entry e = {
        .tenant_id = v->tenant_id,
        .actor_tenant_id = who->tenant_id,
        .account_id = who->account_id,
        .actor_name = who->staff_id ? who->name : "",
        .person_id = v->person_id,
        .subject_kind = "visit",
        .subject_id = v->visit_id,
        .action = v->track ? PLAY : "recording.view",
        .request_id = v->req->id,
        .detail = detail,
        .done = on_audited,
        .arg = v,
    };

    if (v->track)
        snprintf(detail, sizeof detail, "{\"track\":\"%.95s\"}", v->req->param[1]);
    if (v->track && trail_seen(request_app(v->req)->trail, who->account_id, v->visit_id, e.action)) {
        answer_track(v); /* the next range of the same look */
        view_free(v);
        return;
    }
    trail_add(request_app(v->req)->trail, &e);
}

/* The record keeps what the recorder said at the end, so that it outlives the folder. */
static void on_finished(void *arg, const struct db_rows *rows, const struct err *err)
{
    (void)arg;
    (void)rows;
    if (err)
        log_warn("recording_row_not_written", LERR(err));
}

static void put_row_right(const struct view *v)
{
    const char *state = str(v->manifest, "state");
    struct db_scope scope = {request_app(v->req)->region_id, v->tenant_id, 0};
    struct db_args a;
    char *text;

    if ((strcmp(state, "ready") != 0 && strcmp(state, "failed") != 0) || !strcmp(state, v->state) ||
        !strcmp(v->state, "none"))
        return;
    text = json_text(v->manifest, NULL);
    db_args_init(&a);
    db_arg_id(&a, request_app(v->req)->region_id);
    db_arg_id(&a, v->visit_id);
    db_arg_str(&a, state);
    db_arg_str(&a, text);
    free(text);
    db_query(request_app(v->req)->db, &scope, &SQL_recording_finish, &a, on_finished, NULL);
}

static void on_loaded(void *arg)
{
    struct view *v = arg;
    const json_t *track = v->track ? find_track(v, v->req->param[1]) : NULL;

    if (v->manifest)
        put_row_right(v);
    if (v->track && (!track || !word_ok(str(track, "file"))))
        not_found(v);
    else
        audit(v);
}

/* --- the rows --- */

static void on_seats(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct view *v = arg;
    struct err busy = ERR_INIT;

    if (err) {
        fail(v, err);
        return;
    }
    v->seats = json_object();
    for (int i = 0; i < rows->n; i++)
        json_object_set_new(v->seats, db_str(rows, i, 0), json_string(db_str(rows, i, 1)));
    if (!workers_run(request_app(v->req)->workers, load_manifest, on_loaded, v, &busy))
        fail(v, &busy);
}

static void on_rows(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct view *v = arg;
    struct db_scope scope = identity_scope(v->req->who);
    struct db_args a;

    if (err) {
        fail(v, err);
        return;
    }
    if (rows->n != 1) {
        not_found(v);
        return;
    }
    v->tenant_id = db_i64(rows, 0, 0);
    v->person_id = db_i64(rows, 0, 1);
    snprintf(v->state, sizeof v->state, "%s", db_str(rows, 0, 2));
    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_id(&a, v->visit_id);
    db_query(request_app(v->req)->db, &scope, &SQL_recording_seats, &a, on_seats, v);
}

static void look(struct request *req, bool track)
{
    struct view *v = mem_new(sizeof *v);
    struct db_scope scope = identity_scope(req->who);
    struct db_args a;

    v->req = req;
    v->track = track;
    v->visit_id = request_param_id(req, 0);
    snprintf(v->path, sizeof v->path, "%s/%" PRId64 "/%" PRId64 "/manifest.json",
             request_app(req)->recordings_dir, request_app(req)->region_id, v->visit_id);
    db_args_init(&a);
    db_arg_id(&a, scope.region_id);
    db_arg_id(&a, v->visit_id);
    db_query(request_app(req)->db, &scope, &SQL_recording_rows, &a, on_rows, v);
}

void recording_get(struct request *req)
{
    look(req, false);
}

void recording_track(struct request *req)
{
    look(req, true);
}
