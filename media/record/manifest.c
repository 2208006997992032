#include "media/record/manifest.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "media/record/folder.h"

/* Two losses this close together are one to whoever reads about them. */
#define GAP_JOIN_US INT64_C(1000000)

static void set_text(char *out, size_t cap, const char *text)
{
    snprintf(out, cap, "%s", text);
}

struct manifest *manifest_new(const char *room, const char *dir, int64_t started_at_us)
{
    struct manifest *m = mem_new(sizeof *m);

    set_text(m->room, sizeof m->room, room);
    set_text(m->dir, sizeof m->dir, dir);
    m->started_at_us = started_at_us;
    return m;
}

void manifest_free(struct manifest *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->tracks_len; i++)
        free(m->tracks[i].segments);
    free(m->tracks);
    free(m->gaps);
    free(m);
}

const char *manifest_state_name(enum manifest_state s)
{
    static const char *const NAMES[] = {"recording", "processing", "ready", "failed"};

    return NAMES[s];
}

struct manifest_track *manifest_track_add(struct manifest *m, const char *peer, const char *kind,
                                          const char *codec, const char *fmtp)
{
    if (m->tracks_len >= MANIFEST_TRACKS)
        return NULL;
    m->tracks = mem_grow(m->tracks, (m->tracks_len + 1) * sizeof *m->tracks);
    struct manifest_track *track = &m->tracks[m->tracks_len++];
    memset(track, 0, sizeof *track);
    snprintf(track->id, sizeof track->id, "t%zu", m->tracks_len);
    set_text(track->peer, sizeof track->peer, peer);
    set_text(track->kind, sizeof track->kind, kind);
    set_text(track->codec, sizeof track->codec, codec);
    set_text(track->fmtp, sizeof track->fmtp, fmtp);
    return track;
}

struct manifest_track *manifest_track_find(struct manifest *m, const char *id)
{
    for (size_t i = 0; i < m->tracks_len; i++)
        if (strcmp(m->tracks[i].id, id) == 0)
            return &m->tracks[i];
    return NULL;
}

struct manifest_segment *manifest_segment_add(struct manifest_track *track)
{
    if (track->segments_len >= MANIFEST_SEGMENTS)
        return NULL;
    track->segments = mem_grow(track->segments, (track->segments_len + 1) * sizeof *track->segments);
    struct manifest_segment *s = &track->segments[track->segments_len++];
    memset(s, 0, sizeof *s);
    if (track->segments_len == 1)
        snprintf(s->file, sizeof s->file, "%s.yzj", track->id);
    else
        snprintf(s->file, sizeof s->file, "%s-%zu.yzj", track->id, track->segments_len);
    return s;
}

static struct manifest_gap *last_gap(struct manifest *m, const char *track, const char *reason)
{
    for (size_t i = m->gaps_len; i > 0; i--)
        if (strcmp(m->gaps[i - 1].track, track) == 0 && strcmp(m->gaps[i - 1].reason, reason) == 0)
            return &m->gaps[i - 1];
    return NULL;
}

void manifest_gap_add(struct manifest *m, const char *track, int64_t from_us, int64_t to_us,
                      const char *reason)
{
    struct manifest_gap *last = last_gap(m, track, reason);

    if (m->gaps_len >= MANIFEST_GAPS && !last)
        last = &m->gaps[m->gaps_len - 1];
    if (last && (m->gaps_len >= MANIFEST_GAPS || (last->to_us == 0 && to_us == 0) ||
                 (last->to_us != 0 && from_us >= last->from_us && from_us - last->to_us <= GAP_JOIN_US))) {
        if (to_us == 0 || (last->to_us != 0 && to_us > last->to_us))
            last->to_us = to_us;
        return;
    }
    m->gaps = mem_grow(m->gaps, (m->gaps_len + 1) * sizeof *m->gaps);
    struct manifest_gap *g = &m->gaps[m->gaps_len++];
    memset(g, 0, sizeof *g);
    set_text(g->track, sizeof g->track, track);
    set_text(g->reason, sizeof g->reason, reason);
    g->from_us = from_us;
    g->to_us = to_us;
}

void manifest_gap_close(struct manifest *m, const char *track, int64_t to_us)
{
    for (size_t i = 0; i < m->gaps_len; i++) {
        struct manifest_gap *g = &m->gaps[i];
        if (g->to_us == 0 && strcmp(g->track, track) == 0)
            g->to_us = to_us > g->from_us ? to_us : g->from_us;
    }
}

void manifest_head(const struct manifest *m, uint8_t head[SHA256_LEN])
{
    struct sha256 *s = sha256_new();

    for (size_t i = 0; i < m->tracks_len; i++)
        for (size_t k = 0; k < m->tracks[i].segments_len; k++) {
            const struct manifest_segment *seg = &m->tracks[i].segments[k];
            char line[MANIFEST_NAME_MAX + 32 + 2 * SHA256_LEN], hex[2 * SHA256_LEN + 1];
            crypto_hex(seg->head, SHA256_LEN, hex);
            int len = snprintf(line, sizeof line, "%s\n%" PRIu64 "\n%s\n", seg->file, seg->bytes, hex);
            sha256_update(s, line, (size_t)len);
        }
    sha256_final(s, head);
}

bool manifest_save(const struct manifest *m, const struct sign_key *key, int dir_fd, struct err *err)
{
    char *text = NULL;
    size_t len = 0;

    bool ok = manifest_text(&text, &len, m, key, err) && folder_write(dir_fd, MANIFEST_FILE, text, len, err);
    free(text);
    if (!ok)
        err_add(err, "save manifest of %s", m->dir);
    return ok;
}

bool manifest_load(struct manifest **out, int dir_fd, struct err *err)
{
    uint8_t *text = NULL;
    size_t len = 0;

    bool ok = folder_read(&text, &len, dir_fd, MANIFEST_FILE, MANIFEST_BYTES, err) &&
              manifest_parse(out, text, len, err);
    free(text);
    if (!ok)
        err_add(err, "load manifest");
    return ok;
}
