/* recording_fsm.c - what a recording does when something happens: the table is the rule. */
#include <stdio.h>
#include <string.h>
#include "core/clock.h"
#include "media/record/recording_inside.h"

typedef void act_fn(struct recording *rec, int64_t now_us);

static void set_state(struct recording *rec, enum manifest_state state)
{
    rec->manifest->state = state;
    recording_changed(rec);
}

static void stop(struct recording *rec, int64_t now_us)
{
    rec->manifest->ended_at_us = now_us;
    lives_settle(rec);
    lives_close(rec, now_us, "closed", false);
    for (size_t i = 0; i < rec->manifest->tracks_len; i++)
        manifest_gap_close(rec->manifest, rec->manifest->tracks[i].id, now_us);
    manifest_gap_close(rec->manifest, "", now_us);
    recording_changed(rec);
}

static void wait_for_return(struct recording *rec, int64_t now_us)
{
    rec->waiting_since_us = now_us;
    rec->returned_us = 0;
    recording_changed(rec);
}

static void give_up(struct recording *rec, int64_t now_us)
{
    stop(rec, rec->last_us > rec->manifest->started_at_us ? rec->last_us : rec->waiting_since_us);
    (void)now_us;
}

static void go_on(struct recording *rec, int64_t now_us)
{
    rec->returned_us = now_us;
    set_state(rec, MANIFEST_RECORDING);
}

/* Recorded into again after its end: the time between is a gap somebody wanted. */
static void begin_again(struct recording *rec, int64_t now_us)
{
    manifest_gap_add(rec->manifest, "", rec->manifest->ended_at_us, now_us, "paused");
    rec->manifest->ended_at_us = 0;
    set_state(rec, MANIFEST_RECORDING);
}

static void on_made(void *arg, const char *id, const struct mux_result *result)
{
    struct recording *rec = arg;
    struct manifest_track *t = manifest_track_find(rec->manifest, id);

    rec->muxing--;
    rec->memory[t - rec->manifest->tracks].making = false;
    if (result->packets > 0) {
        t->packets = result->packets;
        t->lost = result->lost;
    }
    t->state = result->ok ? MANIFEST_READY : MANIFEST_FAILED;
    snprintf(t->reason, sizeof t->reason, "%s", result->ok ? "" : result->reason);
    if (result->ok) {
        muxer_file_name(t->file, t);
        t->duration_ms = result->duration_ms;
        t->offset_ms = (result->first_us - rec->manifest->started_at_us) / 1000;
        t->offset_ms = t->offset_ms > 0 ? t->offset_ms : 0;
        t->bytes = result->bytes;
        memcpy(t->sha256, result->sha256, SHA256_LEN);
    }
    recording_changed(rec);
    if (rec->muxing == 0)
        recording_on(rec, ON_MADE, clock_now_us());
}

static void make_files(struct recording *rec, int64_t now_us)
{
    struct manifest *m = rec->manifest;

    set_state(rec, MANIFEST_PROCESSING);
    for (size_t i = 0; i < m->tracks_len; i++) {
        if (m->tracks[i].state != MANIFEST_RECORDING && m->tracks[i].state != MANIFEST_PROCESSING)
            continue;
        m->tracks[i].state = MANIFEST_PROCESSING;
        m->tracks[i].ended = true;
        if (!rec->r->muxer || rec->memory[i].making)
            continue;
        rec->memory[i].making = true;
        rec->muxing++;
        muxer_add(rec->r->muxer, rec->dir_fd, &m->tracks[i], on_made, rec);
    }
    if (rec->muxing == 0 && rec->r->muxer)
        recording_on(rec, ON_MADE, now_us);
}

static void finish(struct recording *rec, int64_t now_us)
{
    struct manifest *m = rec->manifest;
    size_t ready = 0;

    (void)now_us;
    for (size_t i = 0; i < m->tracks_len; i++)
        ready += m->tracks[i].state == MANIFEST_READY;
    snprintf(m->reason, sizeof m->reason, "%s",
             ready > 0           ? ""
             : m->tracks_len > 0 ? "no_file"
                                 : "nothing_recorded");
    set_state(rec, ready > 0 ? MANIFEST_READY : MANIFEST_FAILED);
}

/* An absent pair is a mistake of ours and is logged as one; nothing happens. */
static const struct edge {
    enum phase from;
    enum happening on;
    enum phase to;
    act_fn *act;
    const char *why;
} EDGES[] = {
    {PHASE_RECORDING, ON_CLOSE, PHASE_ENDING, stop, "the room stopped recording"},
    {PHASE_RECORDING, ON_LOST, PHASE_WAITING, wait_for_return,
     "the media worker is gone, its room may return"},
    {PHASE_RECORDING, ON_RETURN, PHASE_RECORDING, go_on, "another worker took the room over"},
    {PHASE_WAITING, ON_RETURN, PHASE_RECORDING, go_on, "the room returned"},
    {PHASE_WAITING, ON_CLOSE, PHASE_ENDING, give_up, "the room was closed while nobody recorded"},
    {PHASE_WAITING, ON_EXPIRE, PHASE_ENDING, give_up, "the room did not return"},
    {PHASE_ENDING, ON_SEALED, PHASE_PROCESSING, make_files, "every journal has its end"},
    {PHASE_ENDING, ON_RETURN, PHASE_RECORDING, begin_again, "the room records into the same folder again"},
    {PHASE_PROCESSING, ON_RETURN, PHASE_RECORDING, begin_again,
     "the room records into the same folder again"},
    {PHASE_DONE, ON_RETURN, PHASE_RECORDING, begin_again, "the room records into the same folder again"},
    {PHASE_PROCESSING, ON_MADE, PHASE_DONE, finish, "every file is made or has failed"},
    {PHASE_RECORDING, ON_MADE, PHASE_RECORDING, NULL, "files of the part before the pause"},
    {PHASE_WAITING, ON_MADE, PHASE_WAITING, NULL, "files of the part before the pause"},
    {PHASE_ENDING, ON_MADE, PHASE_ENDING, NULL, "files of the part before the pause"},
};

void recording_on(struct recording *rec, enum happening on, int64_t now_us)
{
    for (size_t i = 0; i < sizeof EDGES / sizeof EDGES[0]; i++) {
        const struct edge *e = &EDGES[i];
        if (e->from != rec->phase || e->on != on)
            continue;
        rec->phase = e->to;
        log_info("recording", LS("room_id", rec->manifest->room), LS("dir", rec->manifest->dir),
                 LS("why", e->why), LI("tracks", rec->manifest->tracks_len), LI("bytes", rec->kept));
        if (e->act)
            e->act(rec, now_us);
        return;
    }
    log_error("recording_state", LS("dir", rec->manifest->dir), LI("phase", rec->phase), LI("on", on));
}
