#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/mem.h"
#include "media/record/recording_inside.h"

#define REFRESH_US INT64_C(10000000) /* a running manifest is at most this old: recovery reads from there */
#define AGAIN_US   INT64_C(5000000)  /* after a manifest could not be written */
#define TELL_US    INT64_C(1000000)

/* --- the manifest's way to the disk ----------------------------------------------------------------------- */

/* Runs on: a worker. */
static void save_work(void *arg)
{
    struct save *s = arg;

    err_clear(&s->err);
    s->ok = folder_write(s->dir_fd, MANIFEST_FILE, s->text, s->len, &s->err);
}

static void save_done(void *arg)
{
    struct recording *rec = (struct recording *)((char *)arg - offsetof(struct recording, save));

    free(rec->save.text);
    rec->save.text = NULL;
    rec->saving = false;
    if (!rec->save.ok) {
        log_error("manifest_save", LS("dir", rec->manifest->dir), LERR(&rec->save.err));
        rec->save_at_us = clock_now_us() + AGAIN_US;
        return;
    }
    rec->change_saved = rec->change_saving;
    if (rec->phase == PHASE_DONE && rec->change_saved == rec->change)
        recorder_unmark(rec->r, rec->manifest->dir);
}

static void save(struct recording *rec, int64_t now_us)
{
    struct err err = ERR_INIT;

    rec->manifest->revision++;
    rec->save.dir_fd = rec->dir_fd;
    if (!manifest_text(&rec->save.text, &rec->save.len, rec->manifest, rec->r->key, &err) ||
        !workers_run(rec->r->workers, save_work, save_done, &rec->save, &err)) {
        free(rec->save.text);
        rec->save.text = NULL;
        log_error("manifest_save", LS("dir", rec->manifest->dir), LERR(&err));
        rec->save_at_us = now_us + AGAIN_US;
        return;
    }
    rec->saving = true;
    rec->change_saving = rec->change;
    rec->refresh = false;
    rec->save_at_us = now_us + REFRESH_US;
}

static bool save_due(const struct recording *rec, int64_t now_us)
{
    if (rec->saving)
        return false;
    if (rec->change != rec->change_saved) /* at once, but not again and again while the disk says no */
        return rec->save.err.code == ERR_NONE || now_us >= rec->save_at_us;
    return rec->refresh && now_us >= rec->save_at_us;
}

void recording_changed(struct recording *rec)
{
    rec->change++;
}

/* --- whom it concerns ------------------------------------------------------------------------------------- */

void recording_say(struct recording *rec, enum rec_state state, const char *reason)
{
    if (rec->fn)
        rec->fn(rec->arg, rec, state, rec->kept, reason);
}

void recording_attach(struct recording *rec, recording_state_fn *fn, void *arg)
{
    rec->fn = fn;
    rec->arg = arg;
}

void recording_detach(struct recording *rec, const void *arg)
{
    if (rec->arg != arg)
        return;
    rec->fn = NULL;
    rec->arg = NULL;
}

/* --- begin ------------------------------------------------------------------------------------------------ */

static struct recording *recording_take_up(struct recorder *r, struct manifest *m, int dir_fd,
                                           int64_t now_us);

static struct recording *find(struct recorder *r, const char *dir)
{
    for (struct recording *rec = r->recordings; rec; rec = rec->next)
        if (strcmp(rec->manifest->dir, dir) == 0)
            return rec;
    return NULL;
}

static struct recording *add(struct recorder *r, struct manifest *m, int dir_fd, enum phase phase)
{
    struct recording *rec = mem_new(sizeof *rec);

    rec->r = r;
    rec->manifest = m;
    rec->dir_fd = dir_fd;
    rec->phase = phase;
    rec->memory = mem_new((m->tracks_len + 1) * sizeof *rec->memory);
    for (size_t i = 0; i < m->tracks_len; i++)
        for (size_t k = 0; k < m->tracks[i].segments_len; k++) {
            rec->kept += m->tracks[i].segments[k].bytes;
            if (m->tracks[i].segments[k].to_us > rec->last_us)
                rec->last_us = m->tracks[i].segments[k].to_us;
        }
    rec->next = r->recordings;
    r->recordings = rec;
    return rec;
}

static bool room_ok(const char *room, struct err *err)
{
    for (const char *p = room; *p; p++)
        if (*p <= ' ' || *p > '~')
            return err_set(err, ERR_INVALID, "word_invalid", "a room is a word");
    return room[0] != '\0' || err_set(err, ERR_INVALID, "word_invalid", "a recording without a room");
}

/* A folder nobody holds in memory: new, or finished earlier. */
static bool open_folder(struct recording **out, struct recorder *r, const char *room, const char *dir,
                        int64_t now_us, struct err *err)
{
    struct manifest *m = NULL;
    struct err why = ERR_INIT;
    int dir_fd = -1;

    if (!folder_open(&dir_fd, r->root_fd, dir, true, err))
        return false;
    bool old = manifest_load(&m, dir_fd, &why);
    if (!old && !err_is(&why, ERR_NOT_FOUND)) {
        /* What is there was a recording once: it is not written over. */
        *err = why;
        close(dir_fd);
        return false;
    }
    if (!old)
        m = manifest_new(room, dir, now_us);
    if (!recorder_mark(r, dir, err) || (!old && !manifest_save(m, r->key, dir_fd, err))) {
        manifest_free(m);
        close(dir_fd);
        return false;
    }
    *out = old ? recording_take_up(r, m, dir_fd, now_us) : add(r, m, dir_fd, PHASE_RECORDING);
    return true;
}

/* Somebody records into a folder that is in memory: whoever did before hears that it is no longer his. */
static bool take_over(struct recording *rec, int64_t now_us, struct err *err)
{
    if (rec->phase == PHASE_DONE && !recorder_mark(rec->r, rec->manifest->dir, err))
        return false;
    if (rec->phase == PHASE_RECORDING) {
        recording_say(rec, REC_STATE_CLOSED, "moved");
        lives_close(rec, now_us, "worker_lost", true);
    }
    recording_on(rec, ON_RETURN, now_us);
    return true;
}

bool recording_open(struct recording **out, struct recorder *r, const char *room, const char *dir,
                    int64_t now_us, struct err *err)
{
    struct recording *rec;

    if (!room_ok(room, err) || !folder_name_check(dir, err))
        return false;
    rec = find(r, dir);
    bool fresh = !rec;
    if (fresh && !open_folder(&rec, r, room, dir, now_us, err))
        return err_add(err, "open recording"), false;
    if (strcmp(rec->manifest->room, room) != 0)
        return err_set(err, ERR_CONFLICT, "room_differs", "the folder is another room's recording");
    if ((!fresh || rec->phase != PHASE_RECORDING) && !take_over(rec, now_us, err))
        return false;
    rec->tell_at_us = now_us + TELL_US;
    rec->told = rec->kept;
    *out = rec;
    return true;
}

/* --- end -------------------------------------------------------------------------------------------------- */

void recording_close(struct recording *rec, int64_t now_us, const char *reason)
{
    (void)reason;
    recording_on(rec, ON_CLOSE, now_us);
}

void recording_lost(struct recording *rec, int64_t now_us, const char *reason)
{
    lives_close(rec, now_us, reason, true);
    recording_on(rec, ON_LOST, now_us);
}

/* Segments whose writer failed or died get their end, now that no other job touches them. Waits for the disk, but only as
 * far back as the last checkpoint; and there is one such segment per crash or full disk. */
static void seal_broken(struct recording *rec, int64_t now_us, const char *reason)
{
    for (size_t i = 0; i < rec->manifest->tracks_len; i++) {
        struct manifest_track *t = &rec->manifest->tracks[i];
        for (size_t k = 0; k < t->segments_len; k++) {
            struct recovered got;
            struct err err = ERR_INIT;
            if (t->segments[k].sealed)
                continue;
            if (!recover_segment(&got, rec->dir_fd, &t->segments[k], now_us, reason, &err))
                log_error("segment_seal", LS("dir", rec->manifest->dir), LS("file", t->segments[k].file),
                          LERR(&err));
            else
                t->packets += got.packets;
        }
    }
}

/* --- time passes ------------------------------------------------------------------------------------------ */

static void tell(struct recording *rec, int64_t now_us)
{
    if (now_us < rec->tell_at_us || rec->kept == rec->told)
        return;
    rec->told = rec->kept;
    rec->tell_at_us = now_us + TELL_US;
    recording_say(rec, rec->failed ? REC_STATE_FAILED : REC_STATE_GROWING,
                  rec->failed ? rec->failed_reason : "growing");
}

void recording_tick(struct recording *rec, int64_t now_us)
{
    lives_flush(rec, now_us);
    if (rec->phase == PHASE_RECORDING) {
        if (rec->failed && now_us >= rec->retry_at_us)
            lives_retry(rec, now_us);
        if (rec->returned_us != 0 && now_us - rec->returned_us >= rec->r->return_us)
            lives_settle(rec);
        tell(rec, now_us);
    }
    if (rec->phase == PHASE_WAITING && now_us - rec->waiting_since_us >= rec->r->return_us)
        recording_on(rec, ON_EXPIRE, now_us);
    if (rec->phase == PHASE_ENDING && !rec->lives) {
        seal_broken(rec, now_us, "failed");
        recording_on(rec, ON_SEALED, now_us);
    }
    if (save_due(rec, now_us))
        save(rec, now_us);
}

bool recording_idle(const struct recording *rec)
{
    return !rec->lives && !rec->saving && rec->change == rec->change_saved;
}

struct recording *recording_next(const struct recording *rec)
{
    return rec->next;
}

void recording_free(struct recording *rec)
{
    struct recording **at = &rec->r->recordings;

    while (*at != rec)
        at = &(*at)->next;
    *at = rec->next;
    for (size_t i = 0; i < rec->manifest->tracks_len; i++)
        free(rec->memory[i].recovered);
    free(rec->memory);
    manifest_free(rec->manifest);
    close(rec->dir_fd);
    free(rec);
}

/* --- after a crash ---------------------------------------------------------------------------------------- */

/* The last segment of a track that nobody ended was being written when the former process died. */
static void recover_track(struct recording *rec, size_t i, int64_t now_us)
{
    struct manifest_track *t = &rec->manifest->tracks[i];
    struct recovered *got = mem_new(sizeof *got);
    struct manifest_segment *last = &t->segments[t->segments_len - 1];
    struct err err = ERR_INIT;

    if (!recover_segment(got, rec->dir_fd, last, now_us, "recorder_lost", &err)) {
        log_error("segment_recover", LS("dir", rec->manifest->dir), LS("file", last->file), LERR(&err));
        free(got);
        return;
    }
    log_info("segment_recovered", LS("dir", rec->manifest->dir), LS("file", last->file),
             LI("bytes", last->bytes), LI("packets", got->packets), LI("cut", got->cut),
             LI("damaged", got->damaged));
    t->packets += got->packets;
    if (got->damaged > 0)
        manifest_gap_add(rec->manifest, t->id, got->last_us, got->last_us, "damaged");
    if (got->last_us > rec->last_us)
        rec->last_us = got->last_us;
    if (!t->ended)
        manifest_gap_add(rec->manifest, t->id, got->last_us ? got->last_us : rec->manifest->started_at_us, 0,
                         "recorder_lost");
    rec->memory[i].ssrc = got->ssrc;
    rec->memory[i].recovered = got;
}

static void recover_tracks(struct recording *rec, int64_t now_us)
{
    for (size_t i = 0; i < rec->manifest->tracks_len; i++) {
        struct manifest_track *t = &rec->manifest->tracks[i];
        if (t->state == MANIFEST_RECORDING && t->segments_len > 0 && !t->segments[t->segments_len - 1].sealed)
            recover_track(rec, i, now_us);
    }
}

static struct recording *recording_take_up(struct recorder *r, struct manifest *m, int dir_fd, int64_t now_us)
{
    struct recording *rec;

    switch (m->state) {
    case MANIFEST_RECORDING:
        rec = add(r, m, dir_fd, PHASE_WAITING);
        recover_tracks(rec, now_us);
        rec->waiting_since_us = now_us;
        recording_changed(rec);
        return rec;
    case MANIFEST_PROCESSING:
        return add(r, m, dir_fd,
                   PHASE_ENDING); /* the next tick seals what is open and makes the files again */
    default:
        return add(r, m, dir_fd, PHASE_DONE);
    }
}

bool recording_recover(struct recorder *r, const char *dir, int64_t now_us, struct err *err)
{
    struct manifest *m = NULL;
    int dir_fd = -1;

    if (!folder_open(&dir_fd, r->root_fd, dir, false, err))
        return false;
    if (!manifest_load(&m, dir_fd, err)) {
        close(dir_fd);
        return false;
    }
    if (recording_take_up(r, m, dir_fd, now_us)->phase == PHASE_DONE)
        recorder_unmark(r, dir);
    return true;
}
