#include "signaling/recording.h"
#include "core/clock.h"
#include "core/db/db.h"
#include "core/json.h"
#include "core/log.h"
#include "signaling/recording.sql.h"
#include "signaling/room.h"
#include "signaling/signald.h"
#include "signaling/trail.h"
#include "signaling/visit.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void on_written(void *arg, const struct db_rows *rows, const struct err *err)
{
    (void)arg;
    (void)rows;
    if (err) /* the manifest on disk is the truth; the row is put right when somebody looks */
        log_warn("recording_row_not_written", LERR(err));
}

static void write_row(const struct visit *visit, const struct db_stmt *stmt, int64_t bytes, const char *text)
{
    struct signald *app = visit->app;
    struct db_scope scope = {visit->region_id, visit->tenant_id, 0};
    struct db_args a;

    db_args_init(&a);
    db_arg_id(&a, visit->region_id);
    db_arg_id(&a, visit->id);
    if (stmt == &SQL_recording_begin) {
        db_arg_id(&a, ids_next(&app->ids, clock_now_us()));
        db_arg_id(&a, visit->tenant_id);
    } else {
        db_arg_i64(&a, bytes);
    }
    if (text)
        db_arg_str(&a, text);
    db_query(app->db, &scope, stmt, &a, on_written, NULL);
}

static void audit(const struct visit *visit, const char *action, const char *outcome)
{
    struct trail_entry e = {
        .tenant_id = visit->tenant_id,
        .actor_tenant_id = visit->tenant_id,
        .person_id = visit->person_id,
        .subject_kind = "visit",
        .subject_id = visit->id,
        .action = action,
        .outcome = outcome,
    };

    trail_add(visit->app->trail, &e);
}

void recording_follow(struct visit *visit)
{
    bool want = visit->may_record && !strcmp(visit->state, "live");
    char dir[96];

    if (want && !visit->room)
        room_of_visit(visit);
    if (!visit->room || visit->room->record == want)
        return;
    snprintf(dir, sizeof dir, "%" PRId64 "/%" PRId64, visit->region_id, visit->id);
    log_info("recording", LID("visit", visit->id), LB("on", want));
    room_record(visit->room, want, dir);
    if (want)
        write_row(visit, &SQL_recording_begin, 0, dir);
    else
        write_row(visit, &SQL_recording_end, 0, visit_is_over(visit) ? "visit_over" : "stopped");
    if (!want && visit->recording)
        recording_state(visit, false, 0, "stopped");
    audit(visit, want ? "recording.begin" : "recording.end", "ok");
}

static void tell(struct visit *visit, const char *state)
{
    json_t *doc =
        json_pack("{s:s, s:o, s:s}", "t", "recording", "visit_id", json_id(visit->id), "state", state);

    visit_send(visit, doc);
    json_decref(doc);
    visit_tell(visit);
}

/* A worker that has not reached its recorder yet says "recorder_lost" first: nothing that ran was interrupted then. */
void recording_state(struct visit *visit, bool on, int64_t bytes, const char *reason)
{
    bool was = visit->recording, lost = !strcmp(reason, "recorder_lost");

    visit->recording = on && !lost;
    if (!strcmp(reason, "growing"))
        write_row(visit, &SQL_recording_grow, bytes, NULL);
    else if (!on && !lost)
        write_row(visit, &SQL_recording_end, bytes, reason);
    if (was == visit->recording)
        return;
    if (lost)
        audit(visit, "recording.gap", "recorder_lost");
    tell(visit, lost ? "interrupted" : visit->recording ? "started" : "stopped");
}
