/* live.c - a track while it is written: between the ring's records, its segment and the manifest. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include "core/clock.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "media/record/recording_inside.h"

#define RETRY_US   INT64_C(5000000)
#define RETRY_FREE (32u << 20) /* bytes the disk must have before writing is tried again */

static struct metric WRITE_US =
    METRIC_HISTOGRAM("yz_record_write_us", "Time to write what gathered for one track.", METRIC_BOUNDS_US);
static struct metric SYNC_US =
    METRIC_HISTOGRAM("yz_record_sync_us", "Time for the disk to keep it (fdatasync).", METRIC_BOUNDS_US);
static struct metric PACKETS = METRIC_COUNTER("yz_record_packets_total", "RTP packets taken into journals.");
static struct metric FAILURES = METRIC_COUNTER(
    "yz_record_failures_total", "Times a journal could not be written: look for a full or broken disk.");

void live_metrics(void)
{
    metrics_add(&WRITE_US);
    metrics_add(&SYNC_US);
    metrics_add(&PACKETS);
    metrics_add(&FAILURES);
}

struct live {
    struct live *next;
    struct recording *rec;
    struct segment *segment;
    struct track_spec spec;
    size_t track, number; /* indices in the manifest */
    bool closing, heard;  /* heard: a packet of this segment was kept */
    int64_t failed_from_us;
    uint64_t announced_by; /* the change of the manifest that names its segment */
};

static struct manifest_track *track_of(const struct live *t)
{
    return &t->rec->manifest->tracks[t->track];
}

static struct manifest_segment *segment_of(const struct live *t)
{
    return &track_of(t)->segments[t->number];
}

/* --- the segment's events --------------------------------------------------------------------------------- */

static void keep_state(struct live *t)
{
    struct manifest_segment *s = segment_of(t), now;
    struct recording *rec = t->rec;

    segment_state(t->segment, &now);
    if (now.bytes == 0)
        return;
    rec->kept += now.bytes - s->bytes;
    *s = now;
    if (s->to_us > rec->last_us)
        rec->last_us = s->to_us;
    rec->refresh = true;
}

static bool any_failed(const struct recording *rec)
{
    for (const struct live *t = rec->lives; t; t = t->next)
        if (!t->closing && t->failed_from_us != 0)
            return true;
    return false;
}

static void on_kept(void *arg, struct segment *s, uint64_t bytes)
{
    struct live *t = arg;

    (void)bytes;
    metric_observe(&WRITE_US, segment_write_us(s));
    metric_observe(&SYNC_US, segment_sync_us(s));
    keep_state(t);
    if (t->failed_from_us != 0 && segment_of(t)->to_us != 0) {
        manifest_gap_close(t->rec->manifest, track_of(t)->id, segment_of(t)->from_us);
        t->failed_from_us = 0;
        t->rec->failed = any_failed(t->rec);
        recording_changed(t->rec);
    }
}

static void on_failed(void *arg, struct segment *s, int64_t from_us, const char *reason)
{
    struct live *t = arg;
    struct recording *rec = t->rec;

    (void)s;
    FAILURES.value++;
    if (t->failed_from_us == 0)
        t->failed_from_us = from_us ? from_us : clock_now_us();
    manifest_gap_add(rec->manifest, track_of(t)->id, t->failed_from_us, 0, reason);
    rec->retry_at_us = clock_now_us() + RETRY_US;
    if (!rec->failed) {
        rec->failed = true;
        snprintf(rec->failed_reason, sizeof rec->failed_reason, "%s", reason);
        log_error("recording_failed", LS("dir", rec->manifest->dir), LS("track", track_of(t)->id),
                  LS("reason", reason));
        recording_say(rec, REC_STATE_FAILED, reason);
    }
    recording_changed(rec);
}

static void forget(struct live *t)
{
    struct live **at = &t->rec->lives;

    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    free(t);
}

static void on_closed(void *arg, struct segment *s)
{
    struct live *t = arg;

    track_of(t)->packets += segment_packets(s);
    keep_state(t);
    t->segment = NULL;
    if (t->closing) {
        recording_changed(t->rec);
        forget(t);
    }
}

/* --- begin ------------------------------------------------------------------------------------------------ */

static bool word_ok(const char *text, bool may_be_empty)
{
    for (const char *p = text; *p; p++)
        if (*p < ' ' || *p > '~')
            return false;
    return may_be_empty || text[0] != '\0';
}

static bool spec_ok(const struct track_spec *spec, struct err *err)
{
    bool audio = strcmp(spec->kind, "audio") == 0, video = strcmp(spec->kind, "video") == 0;

    if (!word_ok(spec->peer, false) || !word_ok(spec->codec, false) || !word_ok(spec->fmtp, true) ||
        !(audio || video) || spec->pt > 127 || spec->clock_hz < 1000 || spec->clock_hz > 1000000)
        return err_set(err, ERR_INVALID, "word_invalid",
                       "a track of peer, kind, codec or clock that makes no sense");
    return true;
}

bool live_lost(const struct recording *rec, size_t track)
{
    const struct manifest_track *t = &rec->manifest->tracks[track];

    return !rec->memory[track].live && !t->ended && t->state == MANIFEST_RECORDING && t->segments_len > 0;
}

/* A peer that joins again has another name behind the same seat (media/protocol.h). */
static bool same_seat(const char *a, const char *b)
{
    const char *end_a = strrchr(a, '-'), *end_b = strrchr(b, '-');
    size_t len_a = end_a ? (size_t)(end_a - a) : strlen(a), len_b = end_b ? (size_t)(end_b - b) : strlen(b);

    return strcmp(a, b) == 0 || (end_a && end_b && len_a == len_b && memcmp(a, b, len_a) == 0);
}

/* The lost track this one goes on with: the same stream, or the same seat's first of its kind. Else a new one. */
static struct manifest_track *find_lost(struct recording *rec, const struct track_spec *spec)
{
    struct manifest *m = rec->manifest;
    struct manifest_track *likely = NULL;

    for (size_t i = 0; i < m->tracks_len; i++) {
        struct manifest_track *t = &m->tracks[i];
        if (!live_lost(rec, i) || t->segments_len >= MANIFEST_SEGMENTS || !same_seat(t->peer, spec->peer) ||
            strcmp(t->kind, spec->kind) != 0 || strcmp(t->codec, spec->codec) != 0)
            continue;
        if (rec->memory[i].ssrc == spec->ssrc)
            return t;
        likely = likely ? likely : t;
    }
    return likely;
}

static void begin_segment(struct live *t, int64_t now_us)
{
    struct manifest_track *track = track_of(t);
    struct journal_header h = {.kind = strcmp(t->spec.kind, "audio") == 0 ? JOURNAL_AUDIO : JOURNAL_VIDEO,
                               .pt = t->spec.pt,
                               .clock_hz = t->spec.clock_hz,
                               .ssrc = t->spec.ssrc,
                               .opened_at_us = now_us};
    struct manifest_segment *s = manifest_segment_add(track);

    t->number = track->segments_len - 1;
    h.segment = (uint16_t)track->segments_len;
    snprintf(h.room, sizeof h.room, "%s", t->rec->manifest->room);
    snprintf(h.dir, sizeof h.dir, "%s", t->rec->manifest->dir);
    snprintf(h.track, sizeof h.track, "%s", track->id);
    snprintf(h.peer, sizeof h.peer, "%s", t->spec.peer);
    snprintf(h.codec, sizeof h.codec, "%s", t->spec.codec);
    snprintf(h.fmtp, sizeof h.fmtp, "%s", t->spec.fmtp);
    t->heard = false;
    t->segment =
        segment_open(t->rec->r->workers, t->rec->dir_fd, s->file, &h,
                     (struct segment_events){
                         .on_kept = on_kept, .on_failed = on_failed, .on_closed = on_closed, .arg = t});
}

bool recording_track(struct live **out, struct recording *rec, const struct track_spec *spec, int64_t now_us,
                     struct err *err)
{
    struct manifest *m = rec->manifest;

    if (!spec_ok(spec, err))
        return false;
    struct manifest_track *track = find_lost(rec, spec);
    if (!track) {
        track = manifest_track_add(m, spec->peer, spec->kind, spec->codec, spec->fmtp);
        if (!track)
            return err_set(err, ERR_LIMIT, "too_many_tracks", "%d tracks in one recording", MANIFEST_TRACKS);
        rec->memory = mem_grow(rec->memory, m->tracks_len * sizeof *rec->memory);
        memset(&rec->memory[m->tracks_len - 1], 0, sizeof *rec->memory);
    }
    struct live *t = mem_new(sizeof *t);
    t->rec = rec;
    t->spec = *spec;
    t->track = (size_t)(track - m->tracks);
    rec->memory[t->track].live = true;
    rec->memory[t->track].ssrc = spec->ssrc;
    t->next = rec->lives;
    rec->lives = t;
    begin_segment(t, now_us);
    *out = t;
    return true;
}

/* --- records ---------------------------------------------------------------------------------------------- */

/* The first packet after a loss says how long it lasted. */
static void first_heard(struct live *t, int64_t at_us)
{
    t->heard = true;
    if (t->failed_from_us == 0)
        manifest_gap_close(t->rec->manifest, track_of(t)->id, at_us);
    recording_changed(t->rec);
}

static void live_rtp(struct live *t, uint64_t position, const struct ring_record *r)
{
    struct track_memory *memory = &t->rec->memory[t->track];

    if (memory->recovered && recovered_has(memory->recovered, r->arrival_us, r->data, r->len))
        return; /* the former process kept it, but did not live to give back its room in the ring */
    if (!segment_rtp(t->segment, position, (uint8_t)r->flags, r->arrival_us, r->data, r->len))
        return;
    PACKETS.value++;
    if (!t->heard)
        first_heard(t, r->arrival_us);
    if (memory->recovered) {
        free(memory->recovered);
        memory->recovered = NULL;
    }
}

static void live_sr(struct live *t, uint64_t position, const struct ring_record *r)
{
    struct ring_sr sr;

    if (r->len != sizeof sr)
        return;
    memcpy(&sr, r->data, sizeof sr);
    if (sr.ssrc == t->spec.ssrc)
        segment_sr(t->segment, position, r->arrival_us, &(struct journal_sr){sr.ntp, sr.rtp});
}

static void live_gap(struct live *t, uint64_t position, const struct ring_record *r)
{
    struct journal_gap gap = {.reason = "recorder_slow"};
    struct ring_gap lost;

    if (r->len != sizeof lost)
        return;
    memcpy(&lost, r->data, sizeof lost);
    gap.from_us = lost.since_us;
    gap.to_us = lost.until_us;
    if (gap.from_us <= 0 || gap.to_us < gap.from_us)
        return;
    segment_gap(t->segment, position, r->arrival_us, &gap);
    manifest_gap_add(t->rec->manifest, track_of(t)->id, gap.from_us, gap.to_us, gap.reason);
    recording_changed(t->rec);
}

void live_record(struct live *t, uint64_t position, const struct ring_record *r)
{
    if (!t->segment || t->closing || r->arrival_us <= 0)
        return;
    switch (r->kind) {
    case RING_RTP:
        live_rtp(t, position, r);
        break;
    case RING_SR:
        live_sr(t, position, r);
        break;
    case RING_GAP:
        live_gap(t, position, r);
        break;
    }
}

uint64_t live_unsafe(const struct live *t)
{
    return t->segment ? segment_unsafe(t->segment) : UINT64_MAX;
}

/* --- end -------------------------------------------------------------------------------------------------- */

static void close_one(struct live *t, int64_t now_us, const char *reason)
{
    t->closing = true;
    t->rec->memory[t->track].live = false; /* its track may go on while this segment still closes */
    if (!t->segment) {
        recording_changed(t->rec);
        forget(t);
        return;
    }
    segment_close(t->segment, now_us, reason);
}

void live_end(struct live *t, int64_t now_us)
{
    track_of(t)->ended = true;
    manifest_gap_close(t->rec->manifest, track_of(t)->id, now_us);
    close_one(t, now_us, "ended");
}

static void open_gap(struct live *t, int64_t now_us, const char *reason)
{
    int64_t last_us = t->segment ? segment_last_us(t->segment) : 0;

    if (t->failed_from_us == 0)
        manifest_gap_add(t->rec->manifest, track_of(t)->id, last_us ? last_us : now_us, 0, reason);
    if (last_us > t->rec->last_us)
        t->rec->last_us = last_us;
}

void lives_close(struct recording *rec, int64_t now_us, const char *reason, bool lost)
{
    struct live *next;

    for (struct live *t = rec->lives; t; t = next) {
        next = t->next; /* closing one never frees another */
        if (t->closing)
            continue;
        if (lost)
            open_gap(t, now_us, reason);
        else
            track_of(t)->ended = true;
        close_one(t, now_us, reason);
    }
}

void lives_settle(struct recording *rec)
{
    for (size_t i = 0; rec->returned_us != 0 && i < rec->manifest->tracks_len; i++) {
        if (!live_lost(rec, i))
            continue;
        rec->manifest->tracks[i].ended = true;
        manifest_gap_close(rec->manifest, rec->manifest->tracks[i].id, rec->returned_us);
        recording_changed(rec);
    }
    rec->returned_us = 0;
}

void lives_flush(struct recording *rec, int64_t now_us)
{
    struct live *next;

    for (struct live *t = rec->lives; t; t = next) {
        next = t->next;
        if (!t->segment)
            continue;
        if (t->announced_by <= rec->change_saved)
            segment_announced(t->segment);
        segment_flush(t->segment, now_us);
    }
}

static bool room_again(const struct recording *rec)
{
    struct statvfs vfs;

    return fstatvfs(rec->dir_fd, &vfs) == 0 && (uint64_t)vfs.f_bavail * vfs.f_frsize >= RETRY_FREE;
}

void lives_retry(struct recording *rec, int64_t now_us)
{
    bool room = room_again(rec);

    for (struct live *t = rec->lives; t; t = t->next) {
        if (t->closing || (t->segment && !segment_failed(t->segment)))
            continue;
        if (!room || track_of(t)->segments_len >= MANIFEST_SEGMENTS)
            continue;
        if (t->segment)
            segment_close(t->segment, now_us,
                          "failed"); /* failed, so there is nothing to wait for but a running job */
        if (!t->segment)
            begin_segment(t, now_us);
    }
    rec->retry_at_us = now_us + RETRY_US;
    rec->failed = any_failed(rec);
}
