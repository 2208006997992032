/* peer.c - a peer's life: offered, reachable, keyed, silent, gone; see peer.h. */
#include "media/peer.h"

#include <stdlib.h>
#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"
#include "media/control.h"
#include "media/counters.h"
#include "media/forward.h"
#include "media/room.h"

static void log_peer(enum log_level level, const char *event, const struct peer *p, const char *why)
{
    log_write(level, event,
              (const struct log_field[]){LS("room_id", p->room->id), LS("peer", p->id), LS("why", why), {0}});
}

bool peer_may(const struct peer *p, enum sdp_kind kind)
{
    return p->rights & (kind == SDP_AUDIO ? MEDIA_RIGHT_AUDIO : MEDIA_RIGHT_VIDEO);
}

bool peer_connected(const struct peer *p)
{
    return p->out != NULL;
}

void peer_set_state(struct peer *p, enum media_state s)
{
    if (p->state == s)
        return;
    p->state = s;
    control_peer_state(p);
}

void peer_heard(struct peer *p)
{
    p->heard_us = p->worker->now_us;
    if (p->state == MEDIA_STATE_SILENT)
        peer_set_state(p, MEDIA_STATE_CONNECTED);
}

void peer_busy(struct peer *p)
{
    if (p->busy)
        return;
    p->busy = true;
    p->busy_next = p->worker->busy;
    p->worker->busy = p;
}

/* ---- transport ---- */

static void on_dtls_send(void *arg, const uint8_t *data, size_t len)
{
    struct peer *p = arg;
    const struct addr *to = ice_address(&p->ice);

    if (p->ice.selected < 0 && p->dtls_to.sa.sa_family)
        to = &p->dtls_to;
    if (to && len <= NET_SLOT_BYTES)
        net_send(p->worker->net, data, len, to);
}

void peer_stun(struct worker *w, const uint8_t *data, size_t len, const struct addr *from)
{
    uint8_t reply[128];
    size_t reply_len;
    struct ice *ice;

    if (ice_receive(w->ice, data, len, from, w->now_us, &ice, reply, &reply_len) == ICE_DROPPED)
        return;
    net_send(w->net, reply, reply_len, from);
    peer_heard(ice->owner);
}

static void on_keys(struct peer *p)
{
    struct err err = ERR_INIT;

    if (!dtls_export(p->dtls, &p->suite, &p->in, &p->out, &err)) {
        log_error("peer_keys", LS("peer", p->id), LERR(&err));
        peer_end(p, "keys");
        return;
    }
    log_info("peer_connected", LS("room_id", p->room->id), LS("peer", p->id),
             LS("suite", p->suite == SRTP_SUITE_GCM128 ? "AEAD_AES_128_GCM" : "AES128_CM_SHA1_80"),
             LI("ms", (p->worker->now_us - p->made_us) / 1000));
    p->report_at_us = p->worker->now_us + (int64_t)(p->rtcp_ssrc % 1000) * 1000; /* spread over the second */
    peer_heard(p);
    peer_set_state(p, MEDIA_STATE_CONNECTED);
    for (unsigned i = 0; i < p->line_count; i++)
        if (p->lines[i].chair && p->lines[i].chair->source)
            track_want_keyframe(p->lines[i].chair->source);
}

void peer_dtls(struct peer *p, const uint8_t *data, size_t len, const struct addr *from)
{
    p->dtls_to = *from;
    switch (dtls_receive(p->dtls, data, len, p->worker->now_us)) {
    case DTLS_CONNECTED:
        if (!p->out)
            on_keys(p);
        break;
    case DTLS_CLOSED:
        if (dtls_mismatch(p->dtls))
            log_peer(LOG_WARN, "dtls_fingerprint_mismatch", p, "the certificate is not the one of the offer");
        peer_end(p, dtls_mismatch(p->dtls) ? "fingerprint" : "closed");
        break;
    case DTLS_SHAKING:
        p->dtls_due_us = p->worker->now_us;
        break;
    case DTLS_WAITING:
        break;
    }
}

void peer_tick(struct peer *p)
{
    int64_t now = p->worker->now_us;
    int64_t since = p->heard_us ? p->heard_us : p->made_us;
    int64_t quiet = now - (since > p->worker->awake_us ? since : p->worker->awake_us);

    if (dtls_state(p->dtls) == DTLS_SHAKING && now >= p->dtls_due_us) {
        int64_t wait = dtls_tick(p->dtls);

        p->dtls_due_us = now + (wait < 0 ? 100000 : wait);
    }
    if (quiet > p->worker->limits.grace_us) {
        peer_end(p, p->out ? "silent" : "never_connected");
        return;
    }
    if (quiet > p->worker->limits.silent_us && p->state == MEDIA_STATE_CONNECTED)
        peer_set_state(p, MEDIA_STATE_SILENT);
    ice_tick(&p->ice, now);
}

/* ---- life ---- */

static struct peer *peer_new(struct room *room, const char *id, const struct sdp_offer *offer)
{
    struct worker *w = room->worker;
    struct peer *p = mem_new(sizeof(*p));
    char hex[17];
    uint8_t random[8];

    p->worker = w;
    p->room = room;
    memcpy(p->id, id, strlen(id));
    memcpy(p->session_id, offer->session_id, sizeof(p->session_id));
    p->fingerprint = offer->fingerprint;
    p->made_us = w->now_us;
    p->remb_bps = w->limits.remb_bps;
    crypto_random(random, sizeof(random));
    crypto_hex(random, sizeof(random), hex);
    snprintf(p->cname, sizeof(p->cname), "yz-%s", hex);
    crypto_random(&p->rtcp_ssrc, sizeof(p->rtcp_ssrc));
    crypto_random(&p->answer_id, sizeof(p->answer_id));
    p->answer_id >>= 2; /* o= ids are numbers that fit a signed 64 bit */
    ice_open(&p->ice, w->ice, p);
    return p;
}

static void lines_end(struct peer *p)
{
    for (unsigned i = 0; i < p->line_count; i++) {
        if (p->lines[i].track)
            track_go_dead(p->lines[i].track);
        if (p->lines[i].chair)
            chair_empty(p->lines[i].chair);
    }
}

static void end(struct peer *p, const char *why, bool tell)
{
    struct worker *w = p->worker;
    struct room *r = p->room;

    if (p->ended)
        return;
    log_peer(LOG_INFO, "peer_gone", p, why);
    p->ended = true;
    room_remove(r, p);
    lines_end(p);
    if (p->dtls && dtls_state(p->dtls) == DTLS_CONNECTED)
        dtls_close(p->dtls);
    ice_close(&p->ice);
    p->next = w->ended;
    w->ended = p;
    p->state = MEDIA_STATE_GONE;
    if (!tell)
        return;
    control_peer_state(p);
    if (!r->peers)
        control_room_empty(r);
}

void peer_end(struct peer *p, const char *why)
{
    end(p, why, true);
}

void peer_free(struct peer *p)
{
    for (unsigned i = 0; i < p->line_count; i++) {
        track_free(p->lines[i].track);
        chair_free(p->lines[i].chair);
    }
    ice_close(&p->ice);
    dtls_free(p->dtls);
    srtp_ctx_free(p->in);
    srtp_ctx_free(p->out);
    free(p->twcc);
    free(p->streams);
    free(p->lines);
    free(p);
}

static void apply_rights(struct peer *p, uint8_t rights)
{
    p->rights = rights;
    for (unsigned i = 0; i < p->line_count; i++) {
        struct line *l = &p->lines[i];

        if (l->track)
            track_allow(l->track, peer_may(p, l->track->kind));
        if (l->chair && !(rights & MEDIA_RIGHT_SUBSCRIBE))
            chair_empty(l->chair);
    }
}

void peer_rights(struct peer *p, uint8_t rights)
{
    apply_rights(p, rights);
    seats_fill(p);
}

/* ---- offers ---- */

/* One certificate, and either the o= id (browsers) or the ufrag (aiortc makes a new o= id for every offer) of before. */
static bool same_connection(const struct peer *p, const struct sdp_offer *o)
{
    return p->fingerprint.len == o->fingerprint.len &&
           memcmp(p->fingerprint.digest, o->fingerprint.digest, p->fingerprint.len) == 0 &&
           (strcmp(p->session_id, o->session_id) == 0 || strcmp(p->remote_ufrag, o->ufrag) == 0);
}

static bool room_for_one(const struct room *room, struct err *err)
{
    const struct worker *w = room->worker;

    if ((int32_t)room->peer_count >= w->limits.room_peers)
        return err_set(err, ERR_LIMIT, "room_full", "%u peers are in the room", room->peer_count);
    if ((int32_t)w->peer_count >= w->limits.peers)
        return err_set(err, ERR_LIMIT, "worker_full", "%u peers are connected", w->peer_count);
    return true;
}

/* A new ufrag from the other side is how it asks for a restart (RFC 9429 5.3.1). */
static void take_ufrag(struct peer *p, const char *ufrag)
{
    if (p->remote_ufrag[0] && strcmp(p->remote_ufrag, ufrag) != 0)
        ice_restart(&p->ice);
    memcpy(p->remote_ufrag, ufrag, strlen(ufrag) + 1);
}

static bool answer_offer(struct peer *p, const struct sdp_offer *offer, uint8_t rights, const char *from,
                         char **answer, size_t *answer_len, char *etag, struct err *err)
{
    snprintf(p->from, sizeof(p->from), "%s", from);
    p->rights = rights;
    take_ufrag(p, offer->ufrag);
    if (!negotiate(p, offer, answer, answer_len, err))
        return false;
    apply_rights(
        p, rights); /* seats are filled when the answer is on its way: chairs exist for the client then */
    memcpy(etag, p->ice.now.ufrag, ICE_UFRAG_TEXT);
    return true;
}

static bool offer_new(struct peer **out, struct room *room, const char *id, const struct sdp_offer *offer,
                      struct peer *old, struct err *err)
{
    struct peer *p;

    if (!old && !room_for_one(room, err))
        return false;
    p = peer_new(room, id, offer);
    if (!dtls_new(&p->dtls, room->worker->dtls, &offer->fingerprint, on_dtls_send, p, err)) {
        peer_free(p);
        return false;
    }
    if (old)
        end(old, "replaced", false);
    room_add(room, p);
    *out = p;
    return true;
}

bool peer_offer(struct peer_reply *out, struct room *room, const struct peer_ask *ask, struct err *err)
{
    struct sdp_offer *offer = mem_new(sizeof(*offer));
    struct peer *p = room_peer(room, ask->id);
    bool ok = false;

    if (!*ask->id) {
        err_set(err, ERR_INVALID, "peer_invalid", "a peer without an id");
        goto out;
    }
    if (!sdp_parse_offer(offer, ask->sdp, ask->sdp_len, err)) {
        count(C_OFFERS_REFUSED);
        goto out;
    }
    if ((!p || !same_connection(p, offer)) && !offer_new(&p, room, ask->id, offer, p, err))
        goto out;
    ok = answer_offer(p, offer, ask->rights, ask->from, &out->answer, &out->answer_len, out->etag, err);
    if (!ok)
        peer_end(p, "offer");
    else
        out->peer = p;
out:
    free(offer);
    return ok;
}

bool peer_trickle(struct peer *p, const char *fragment, size_t len, char **answer, size_t *answer_len,
                  char *etag, struct err *err)
{
    struct sdp_fragment f;
    struct sdp_answer a = {
        .addresses = net_addresses(p->worker->net),
        .port = net_port(p->worker->net),
    };

    *answer = NULL;
    if (!sdp_parse_fragment(&f, fragment, len, err))
        return false;
    if (f.ufrag[0] && strcmp(f.ufrag, p->remote_ufrag) != 0) {
        take_ufrag(p, f.ufrag);
        a.ufrag = p->ice.now.ufrag;
        a.pwd = p->ice.now.pwd;
        *answer = sdp_write_fragment(&a, "", answer_len);
    }
    memcpy(etag, p->ice.now.ufrag, ICE_UFRAG_TEXT);
    return true;
}
