#include "signaling/recording.h"
#include "core/clock.h"
#include "core/db/db.h"
#include "core/json.h"
#include "core/log.h"
#include "records/trail.h"
#include "signaling/recording.sql.h"
#include "signaling/room.h"
#include "signaling/signald.h"
#include "signaling/visit.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The manifest on disk is the truth; a row that could not be written is put right when somebody looks. */
static void on_grown(void *arg, const struct db_rows *rows, const struct err *err)
{
    (void)arg;
    (void)rows;
    if (err)
        log_info("recording_row_not_written", LERR(err));
}

static void on_written(void *arg, const struct err *err)
{
    on_grown(arg, NULL, err);
}

static void grow_row(const struct visit *visit, int64_t bytes)
{
    struct db_scope scope = {visit->region_id, visit->tenant_id, 0};
    struct db_args a;

    db_args_init(&a);
    db_arg_id(&a, visit->region_id);
    db_arg_id(&a, visit->id);
    db_arg_i64(&a, bytes);
    db_query(visit->app->db, &scope, &SQL_recording_grow, &a, on_grown, NULL);
}

/* The row changes in the transaction of its audit row, and so in order: the trail has one at a time. */
static void write_row(const struct visit *visit, const struct db_stmt *stmt, struct db_args *args,
                      const char *action, const char *outcome)
{
    struct trail_entry e = {
        .scope = {visit->region_id, visit->tenant_id, 0},
        .stmt = stmt,
        .args = args,
        .done = stmt ? on_written : NULL,
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

static void begin_row(const struct visit *visit, const char *dir)
{
    struct db_args a;

    db_args_init(&a);
    db_arg_id(&a, visit->region_id);
    db_arg_id(&a, visit->id);
    db_arg_id(&a, ids_next(&visit->app->ids, clock_now_us()));
    db_arg_id(&a, visit->tenant_id);
    db_arg_str(&a, dir);
    write_row(visit, &SQL_recording_begin, &a, "recording.begin", "ok");
}

static void end_row(const struct visit *visit, const char *reason)
{
    struct db_args a;

    db_args_init(&a);
    db_arg_id(&a, visit->region_id);
    db_arg_id(&a, visit->id);
    db_arg_i64(&a, 0);
    db_arg_str(&a, reason);
    write_row(visit, &SQL_recording_end, &a, "recording.end", reason);
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
        begin_row(visit, dir);
    else
        end_row(visit, visit_is_over(visit) ? "visit_over" : "stopped");
    if (!want && visit->recording)
        recording_state(visit, false, 0, "stopped");
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
        grow_row(visit, bytes);
    if (was == visit->recording)
        return;
    if (lost)
        write_row(visit, NULL, NULL, "recording.gap", "recorder_lost");
    tell(visit, lost ? "interrupted" : visit->recording ? "started" : "stopped");
}
