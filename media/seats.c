/* seats.c - who sits on which chair; see room.h. First come, first seated: tracks by the order in which they went live,
 * chairs by the order of their m-lines, except that sound and picture of one person take chairs of one index when they
 * can, because those share a stream in the answer and a browser keeps them in step. */
#include "media/counters.h"
#include "media/room.h"

static bool wants(const struct peer *p, const struct track *t)
{
    return t->peer != p && !p->ended && (p->rights & MEDIA_RIGHT_SUBSCRIBE) &&
           (!p->from[0] || strcmp(p->from, t->peer->id) == 0);
}

static const struct chair *seat_of(const struct peer *p, const struct track *t)
{
    for (const struct chair *c = t->chairs; c; c = c->next)
        if (c->peer == p)
            return c;
    return NULL;
}

static struct chair *chair_at(const struct peer *p, enum sdp_kind kind, unsigned index)
{
    for (unsigned i = 0; i < p->line_count; i++) {
        struct chair *c = p->lines[i].chair;

        if (c && c->kind == kind && c->index == index)
            return c;
    }
    return NULL;
}

/* The index on which this person's other track sits at p. */
static bool partner_index(const struct peer *p, const struct track *t, unsigned *index)
{
    for (unsigned i = 0; i < t->peer->line_count; i++) {
        const struct track *other = t->peer->lines[i].track;
        const struct chair *c = other && other != t && other->kind != t->kind ? seat_of(p, other) : NULL;

        if (c) {
            *index = c->index;
            return true;
        }
    }
    return false;
}

static struct chair *choose(const struct peer *p, const struct track *t)
{
    struct chair *any = NULL, *c;
    unsigned index;

    if (partner_index(p, t, &index) && (c = chair_at(p, t->kind, index)) && !c->source)
        return c;
    for (unsigned i = 0; i < p->line_count; i++) {
        const struct chair *beside;

        c = p->lines[i].chair;
        if (!c || c->source || c->kind != t->kind)
            continue;
        beside = chair_at(p, t->kind == SDP_AUDIO ? SDP_VIDEO : SDP_AUDIO, c->index);
        if (!beside || !beside->source)
            return c;
        if (!any)
            any = c;
    }
    return any;
}

static void seat(struct peer *p, struct track *t)
{
    const struct sdp_codec *codec;
    struct chair *c;

    if (!wants(p, t) || seat_of(p, t))
        return;
    c = choose(p, t);
    if (!c)
        return;
    codec = chair_codec_for(c, t);
    if (codec)
        chair_seat(c, t, codec);
    else
        count(C_NO_COMMON_CODEC);
}

void seats_fill(struct peer *p)
{
    if (!p->room)
        return;
    for (struct track *t = p->room->tracks; t; t = t->next)
        seat(p, t);
}

void seats_fill_all(struct room *r)
{
    for (struct peer *p = r->peers; p; p = p->next)
        seats_fill(p);
}

void seats_clear(struct track *t)
{
    while (t->chairs) {
        struct peer *p = t->chairs->peer;

        chair_empty(t->chairs);
        seats_fill(p);
    }
}
