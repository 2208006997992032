/* speaker.c - who speaks, by the levels clients write into their packets (RFC 6464); see room.h.
 *
 * Loudness is 127 - level (0 silence), smoothed: quick to rise, slow to fall. A challenger must be clearly louder for two
 * rounds, so that a cough takes nobody's place; silence of two seconds empties it. */
#include "media/control.h"
#include "media/room.h"

#define LOUD_ENOUGH    60 /* about -67 dBov */
#define CLEARLY_LOUDER 6
#define ROUNDS         2
#define SILENCE_US     2000000

void speaker_level(struct track *t, uint8_t level)
{
    int32_t now = (127 - level) << 8;
    int32_t d = now - t->loudness_q8;

    t->loudness_q8 += d > 0 ? d / 4 : d / 16;
    t->voiced = true;
}

/* A track that sends nothing (Opus DTX, a muted microphone) falls silent too. */
static void fade(struct track *t)
{
    if (!t->voiced || !t->allowed)
        t->loudness_q8 -= t->loudness_q8 / 2;
    t->voiced = false;
}

static void take_over(struct room *r, struct track *t)
{
    r->speaker = t;
    r->challenger = NULL;
    r->speaker_rounds = 0;
    control_speaker(r, t ? t->peer->id : "", t ? (uint8_t)(127 - (t->loudness_q8 >> 8)) : 127);
}

void speaker_tick(struct room *r)
{
    int64_t now = r->worker->now_us;
    struct track *best = NULL;

    for (struct track *t = r->tracks; t; t = t->next) {
        if (t->kind != SDP_AUDIO)
            continue;
        fade(t);
        if (!best || t->loudness_q8 > best->loudness_q8)
            best = t;
    }
    if (best && best->loudness_q8 >> 8 < LOUD_ENOUGH)
        best = NULL;
    if (r->speaker && (r->speaker == best || r->speaker->loudness_q8 >> 8 >= LOUD_ENOUGH))
        r->speaker_at_us = now;
    if (best && best != r->speaker) {
        bool louder = !r->speaker || best->loudness_q8 > r->speaker->loudness_q8 + (CLEARLY_LOUDER << 8);

        r->speaker_rounds = louder && best == r->challenger ? r->speaker_rounds + 1 : 0;
        r->challenger = best;
        if (louder && r->speaker_rounds + 1 >= ROUNDS) {
            r->speaker_at_us = now;
            take_over(r, best);
        }
    } else if (!best && r->speaker && now - r->speaker_at_us > SILENCE_US) {
        take_over(r, NULL);
    }
}
