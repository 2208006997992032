#include "billing/price.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "billing/money.h"
#include "core/clock.h"

/* ---------------------------------------------------------------- items */

static int item_order(const char *code, int32_t level, enum price_regime regime, const struct price_item *b)
{
    int order = strcmp(code, b->code);

    if (!order)
        order = (level > b->org_level) - (level < b->org_level);
    return order ? order : (int)regime - (int)b->regime;
}

static int by_key(const void *a, const void *b)
{
    const struct price_item *x = a;

    return item_order(x->code, x->org_level, x->regime, b);
}

void price_sort(struct price_item *items, size_t n)
{
    if (n)
        qsort(items, n, sizeof *items, by_key);
}

static bool fits(const char *text, size_t max, bool may_be_empty)
{
    return strlen(text) < max && (may_be_empty || *text);
}

static bool item_check(const struct price_item *item, struct err *err)
{
    const char *wrong = NULL;

    if (!fits(item->code, PRICE_CODE_MAX, false) || !fits(item->name, PRICE_NAME_MAX, false) ||
        !fits(item->unit, PRICE_UNIT_MAX, false))
        wrong = "code, name or unit is empty or too long";
    else if (!fits(item->insurance_code, PRICE_CODE_MAX, true) || !fits(item->class, PRICE_CLASS_MAX, true))
        wrong = "insurance code or class is too long";
    else if (item->org_level < 1 || item->org_level > PRICE_LEVELS)
        wrong = "there is no such level";
    else if (item->regime != REGIME_GUIDED && item->regime != REGIME_MARKET)
        wrong = "there is no such regime";
    else if (item->regime == REGIME_MARKET && (*item->insurance_code || *item->class))
        wrong = "a market price is paid by oneself";
    else if (item->amount_fen < 0 || item->amount_fen > MONEY_MAX_FEN)
        wrong = "the amount is out of range";
    return !wrong || err_set(err, ERR_INVALID, "price_item", "'%.40s': %s", item->code, wrong);
}

bool price_version_check(const struct price_version *v, struct err *err)
{
    if (v->from_day >= v->to_day)
        return err_set(err, ERR_INVALID, "price_range", "it would end before it begins");
    if (!v->n_items)
        return err_set(err, ERR_INVALID, "price_empty", "a catalogue without a price");
    for (size_t i = 0; i < v->n_items; i++) {
        int order = i ? by_key(&v->items[i - 1], &v->items[i]) : -1;

        if (!item_check(&v->items[i], err))
            return false;
        if (order >= 0)
            return err_set(err, ERR_INVALID, order ? "price_order" : "price_twice", "'%.40s' of level %d, %s",
                           v->items[i].code, v->items[i].org_level, price_regime_name(v->items[i].regime));
    }
    return true;
}

/* ---------------------------------------------------------------- a version's life */

static bool holds(const struct price_version *v)
{
    return v->state == PRICE_APPROVED || v->state == PRICE_EFFECTIVE;
}

static bool may_approve(const struct price_version *v, const struct price_act *act, struct err *err)
{
    if (act->actor_id == v->author_id)
        return err_set(err, ERR_DENIED, "price_same_person", "who wrote a catalogue does not approve it");
    if (v->to_day <= act->today)
        return err_set(err, ERR_CONFLICT, "price_day_past", "its last day is over already");
    if (!price_version_check(v, err))
        return false;
    for (size_t i = 0; i < act->n; i++) {
        const struct price_version *o = &act->versions[i];

        if (o->id != v->id && o->region_id == v->region_id && holds(o) && v->from_day < o->to_day &&
            o->from_day < v->to_day)
            return err_set(err, ERR_CONFLICT, "price_overlap", "version %d holds on some of its days",
                           o->number);
    }
    return true;
}

/* Prices that somebody was shown for a day to come are frozen in their orders; today's and earlier days stay as they were. */
static bool may_end(const struct price_version *v, const struct price_act *act, struct err *err)
{
    if (act->to_day <= v->from_day || act->to_day > v->to_day)
        return err_set(err, ERR_INVALID, "price_range", "a version may only end earlier, and after it began");
    return act->to_day > act->today ||
           err_set(err, ERR_CONFLICT, "price_day_past", "a day that has begun keeps its prices");
}

static bool may_step(const struct price_version *v, enum price_event on, const struct price_act *act,
                     struct err *err)
{
    switch (on) {
    case PRICE_EV_APPROVE:
        return may_approve(v, act, err);
    case PRICE_EV_END:
        return may_end(v, act, err);
    case PRICE_EV_TAKE_EFFECT:
        return act->today >= v->from_day ||
               err_set(err, ERR_CONFLICT, "price_not_yet", "its first day has not begun");
    case PRICE_EV_RETIRE:
        return act->today >= v->to_day ||
               err_set(err, ERR_CONFLICT, "price_still_effective", "its last day is not over");
    default:
        return v->state == PRICE_DRAFT || act->today < v->from_day ||
               err_set(err, ERR_CONFLICT, "price_day_past", "its first day has begun: set its last one");
    }
}

bool price_step(struct price_version *v, enum price_event on, const struct price_act *act, const char **why,
                struct err *err)
{
    const struct price_edge *edge = price_edge(v->state, on);

    if (!edge)
        return err_set(err, ERR_CONFLICT, "wrong_state", "a catalogue that is %s knows no %s",
                       price_state_name(v->state), price_event_name(on));
    if (!may_step(v, on, act, err))
        return false;
    v->state = edge->to;
    if (on == PRICE_EV_APPROVE)
        v->approver_id = act->actor_id;
    if (on == PRICE_EV_END)
        v->to_day = act->to_day;
    if (why)
        *why = edge->why;
    return true;
}

/* ---------------------------------------------------------------- a price */

static int wanted_order(const void *key, const void *item)
{
    const struct price_wanted *w = key;

    return item_order(w->code, w->org_level, w->regime, item);
}

bool price_find(const struct price_version **version, const struct price_item **item,
                const struct price_version *versions, size_t n, const struct price_wanted *w, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct price_version *v = &versions[i];
        const struct price_item *found;

        if (v->region_id != w->region_id || !holds(v) || w->day < v->from_day || w->day >= v->to_day ||
            !v->n_items)
            continue;
        found = bsearch(w, v->items, v->n_items, sizeof *v->items, wanted_order);
        if (!found)
            break; /* no second version holds on this day */
        *version = v;
        *item = found;
        return true;
    }
    return err_set(err, ERR_NOT_FOUND, "price_none", "no price for '%.40s' of level %d, %s, on day %d",
                   w->code, w->org_level, price_regime_name(w->regime), w->day);
}

/* ---------------------------------------------------------------- frozen */

static void hash_int(struct sha256 *sha, int64_t v)
{
    uint8_t le[8];

    for (int i = 0; i < 8; i++)
        le[i] = (uint8_t)((uint64_t)v >> 8 * i);
    sha256_update(sha, le, sizeof le);
}

static void snapshot_hash(const struct price_snapshot *s, uint8_t out[SHA256_LEN])
{
    const int64_t ints[] = {s->region_id,   s->version_id, s->version_number, s->org_level,
                            (int)s->regime, s->amount_fen, s->starts_at_us,   s->taken_at_us};
    const char *const texts[] = {s->code, s->name, s->unit, s->insurance_code, s->class};
    struct sha256 *sha = sha256_new();

    sha256_update(sha, "yunzhen price 1", sizeof "yunzhen price 1");
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++)
        hash_int(sha, ints[i]);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        sha256_update(sha, texts[i], strlen(texts[i]) + 1); /* the '\0' parts them */
    sha256_final(sha, out);
}

static void text_copy(char *out, size_t cap, const char *text)
{
    size_t len = strnlen(text, cap - 1); /* a checked version's texts fit */

    memcpy(out, text, len);
    out[len] = '\0';
}

bool price_freeze(struct price_snapshot *out, const struct price_version *versions, size_t n,
                  const struct calendar *calendar, int64_t region_id, const char *code, int32_t org_level,
                  int64_t starts_at_us, int64_t now_us, struct err *err)
{
    struct price_wanted wanted = {
        .region_id = region_id,
        .code = code,
        .org_level = org_level,
        .regime = calendar_regime(calendar, starts_at_us),
        .day = clock_shanghai_day(starts_at_us),
    };
    const struct price_version *v;
    const struct price_item *item;

    if (!price_find(&v, &item, versions, n, &wanted, err))
        return false;
    *out = (struct price_snapshot){
        .region_id = region_id,
        .version_id = v->id,
        .version_number = v->number,
        .org_level = org_level,
        .regime = wanted.regime,
        .amount_fen = item->amount_fen,
        .starts_at_us = starts_at_us,
        .taken_at_us = now_us,
    };
    text_copy(out->code, sizeof out->code, item->code);
    text_copy(out->name, sizeof out->name, item->name);
    text_copy(out->unit, sizeof out->unit, item->unit);
    text_copy(out->insurance_code, sizeof out->insurance_code, item->insurance_code);
    text_copy(out->class, sizeof out->class, item->class);
    snapshot_hash(out, out->hash);
    return true;
}

bool price_snapshot_check(const struct price_snapshot *s, struct err *err)
{
    uint8_t hash[SHA256_LEN];

    snapshot_hash(s, hash);
    return crypto_equal(hash, s->hash, sizeof hash) ||
           err_set(err, ERR_CORRUPT, "price_snapshot", "'%.32s' of version %d is not what was frozen",
                   s->code, s->version_number);
}
