#include "signaling/step_up.h"
#include "core/clock.h"
#include "core/mem.h"
#include <stdlib.h>
#include <string.h>

#define BUCKETS 256

struct step_up {
    struct step_up *next;
    int64_t account_id, session_id, until_us;
    char jti[ID_RANDOM_TEXT]; /* of a token; "" for a cookie's session */
};

struct step_ups {
    struct step_up *bucket[BUCKETS];
};

static struct step_up **bucket_of(const struct step_ups *s, const struct identity *who)
{
    return (struct step_up **)&s->bucket[(uint64_t)who->account_id % BUCKETS];
}

static bool is_of(const struct step_up *u, const struct identity *who)
{
    return u->account_id == who->account_id && u->session_id == who->session_id &&
           !strcmp(u->jti, who->bearer ? who->claims.jti : "");
}

static void drop_if(struct step_up **at, const struct identity *who, int64_t mono_us)
{
    while (*at) {
        struct step_up *u = *at;
        if (u->until_us > mono_us && !(who && is_of(u, who))) {
            at = &u->next;
            continue;
        }
        *at = u->next;
        free(u);
    }
}

struct step_ups *step_ups_new(void)
{
    return mem_new(sizeof(struct step_ups));
}

void step_ups_free(struct step_ups *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < BUCKETS; i++)
        drop_if(&s->bucket[i], NULL, INT64_MAX);
    free(s);
}

void step_up_grant(struct step_ups *s, const struct identity *who, int64_t mono_us)
{
    struct step_up **at = bucket_of(s, who), *u = mem_new(sizeof *u);

    drop_if(at, who, mono_us); /* and whatever has ended here, so that nothing piles up */
    u->account_id = who->account_id;
    u->session_id = who->session_id;
    u->until_us = mono_us + STEP_UP_S * US_PER_S;
    if (who->bearer)
        memcpy(u->jti, who->claims.jti, sizeof u->jti);
    u->next = *at;
    *at = u;
}

bool step_up_holds(const struct step_ups *s, const struct identity *who, int64_t mono_us)
{
    for (const struct step_up *u = *bucket_of(s, who); u; u = u->next)
        if (is_of(u, who) && u->until_us > mono_us)
            return true;
    return false;
}

void step_up_forget(struct step_ups *s, const struct identity *who)
{
    drop_if(bucket_of(s, who), who, 0);
}
