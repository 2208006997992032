/* stats.c - what an operator may see of a room: numbers, never content; see control.h. */
#include <jansson.h>
#include "core/json.h"
#include "media/control.h"

static const char *const STATES[] = {"new", "connected", "silent", "gone"};

static json_t *track_json(const struct track *t)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "mid", t->mid, "kind",
                     t->kind == SDP_AUDIO ? "audio" : "video", "codec", codec_name(t->codec.codec), "live",
                     t->live, "allowed", t->allowed, "packets", (json_int_t)t->packets, "bytes",
                     (json_int_t)t->bytes, "lost", (json_int_t)reception_lost(&t->reception), "nacks",
                     (json_int_t)t->reception.nacks_sent, "repaired", (json_int_t)t->repaired, "plis",
                     (json_int_t)t->plis_sent, "jitter_ms",
                     (t->reception.jitter_q4 >> 4) * 1000.0 / t->clock_hz);
}

static json_t *chair_json(const struct chair *c)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:f, s:i, s:I, s:I}", "mid", c->mid, "kind",
                     c->kind == SDP_AUDIO ? "audio" : "video", "from", c->source ? c->source->peer->id : "",
                     "packets", (int)c->packets, "lost_fraction", c->fraction_lost / 256.0, "lost",
                     (int)c->lost, "resent", (json_int_t)c->resent_total, "not_found",
                     (json_int_t)c->not_found);
}

static json_t *peer_json(const struct peer *p)
{
    json_t *tracks = json_array(), *chairs = json_array();
    int64_t lost = 0, nacks = 0, resent = 0;

    for (unsigned i = 0; i < p->line_count; i++) {
        const struct line *l = &p->lines[i];

        if (l->track) {
            json_array_append_new(tracks, track_json(l->track));
            lost += reception_lost(&l->track->reception);
            nacks += l->track->reception.nacks_sent;
        }
        if (l->chair) {
            json_array_append_new(chairs, chair_json(l->chair));
            resent += l->chair->resent_total;
        }
    }
    return json_pack(
        "{s:s, s:s, s:f, s:i, s:s, s:{s:I, s:I, s:I, s:I}, s:{s:I, s:I, s:I}, s:o, s:o}", "peer", p->id,
        "state", STATES[p->state], "rtt_ms", (double)p->rtt_us / 1000.0, "rights", p->rights, "suite",
        !p->out                         ? ""
        : p->suite == SRTP_SUITE_GCM128 ? "AEAD_AES_128_GCM"
                                        : "AES128_CM_SHA1_80",
        "in", "packets", (json_int_t)p->packets_in, "bytes", (json_int_t)p->bytes_in, "lost",
        (json_int_t)lost, "nacks", (json_int_t)nacks, "out", "packets", (json_int_t)p->packets_out, "bytes",
        (json_int_t)p->bytes_out, "resent", (json_int_t)resent, "tracks", tracks, "chairs", chairs);
}

char *stats_json(const struct room *r, const struct peer *only, size_t *len)
{
    json_t *peers = json_array();
    json_t *doc = json_pack("{s:s, s:I, s:b, s:o}", "room", r->id, "epoch", (json_int_t)r->epoch, "recording",
                            r->rec != 0, "peers", peers);
    char *text;

    for (const struct peer *p = r->peers; p; p = p->next)
        if (!only || only == p)
            json_array_append_new(peers, peer_json(p));
    text = json_text(doc, len);
    json_decref(doc);
    return text;
}
