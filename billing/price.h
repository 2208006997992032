/* price.h - what a visit or a read costs: versions of a region's catalogue, a price found in them, and the frozen copy that an
 * order keeps. Pure; any thread. Days are Shanghai day numbers, amounts fen.
 *
 * Owns    nothing: items and texts are borrowed. A snapshot is a flat copy and needs nobody.
 * Rules   a version is written by one person and approved by another; after that its items never change. At any day at most
 *         one approved or effective version of a region holds. The regime follows the booked start (calendar.h) and is
 *         frozen with the price: a later catalogue, and lateness on either side, move nothing (domain.md 3.1).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "billing/calendar.h"
#include "billing/price_fsm.h"
#include "core/crypto.h"

#define PRICE_CODE_MAX  32 /* bytes with the '\0' */
#define PRICE_NAME_MAX  128
#define PRICE_UNIT_MAX  32
#define PRICE_CLASS_MAX 16
#define PRICE_OPEN_END  INT32_MAX
#define PRICE_LEVELS    5 /* L1 township … L5 outside the region */

struct price_item {
    const char *code, *name, *unit;
    const char *insurance_code,
        *class;        /* "" when insurance does not know it; always "" in the market regime: self-pay */
    int32_t org_level; /* 1 … PRICE_LEVELS */
    enum price_regime regime;
    int64_t amount_fen; /* 0: free of charge */
};

struct price_version {
    int64_t id, region_id;
    int32_t number;
    enum price_state state;
    int64_t author_id, approver_id; /* approver 0: nobody yet */
    int32_t from_day, to_day;       /* [from, to); to may be PRICE_OPEN_END */
    const struct price_item *items; /* by code, level, regime; each once */
    size_t n_items;
};

/** Into the order a version wants. */
void price_sort(struct price_item *items, size_t n);
/** ERR_INVALID "price_range" (days) | "price_empty" | "price_item" (a text, level, amount; the text names the code) |
 * "price_order" | "price_twice" (one code, level and regime twice) */
bool price_version_check(const struct price_version *v, struct err *err);

struct price_act {
    int64_t actor_id;
    int32_t today;
    int32_t to_day;                       /* of PRICE_EV_END */
    const struct price_version *versions; /* the region's others; v may be among them */
    size_t n;
};
/** One step of a version's life. v is untouched on failure.
 * ERR_CONFLICT "wrong_state" (not in the table) | "price_overlap" (another version holds on one of its days) |
 * "price_not_yet" | "price_still_effective" | "price_day_past"; ERR_DENIED "price_same_person"; what price_version_check says */
bool price_step(struct price_version *v, enum price_event on, const struct price_act *act, const char **why,
                struct err *err);

struct price_wanted {
    int64_t region_id;
    const char *code;
    int32_t org_level;
    enum price_regime regime;
    int32_t day; /* of the booked start */
};
/** The one price. Approved versions count: a booking may be for a day to come.
 * ERR_NOT_FOUND "price_none" */
bool price_find(const struct price_version **version, const struct price_item **item,
                const struct price_version *versions, size_t n, const struct price_wanted *wanted,
                struct err *err);

struct price_snapshot {
    int64_t region_id, version_id;
    int32_t version_number;
    int32_t org_level;
    enum price_regime regime;
    int64_t amount_fen;
    int64_t starts_at_us, taken_at_us;
    char code[PRICE_CODE_MAX], name[PRICE_NAME_MAX], unit[PRICE_UNIT_MAX];
    char insurance_code[PRICE_CODE_MAX], class[PRICE_CLASS_MAX];
    uint8_t hash[SHA256_LEN]; /* of everything above */
};
/** Regime and day from the booked start, the price for them, frozen. @param calendar checked; of the org that is asked
 * errors of price_find() */
bool price_freeze(struct price_snapshot *out, const struct price_version *versions, size_t n,
                  const struct calendar *calendar, int64_t region_id, const char *code, int32_t org_level,
                  int64_t starts_at_us, int64_t now_us, struct err *err);
/** ERR_CORRUPT "price_snapshot": it is not what was frozen */
bool price_snapshot_check(const struct price_snapshot *s, struct err *err);
