/* price_test.c - one price for a moment, approved by a second person, and frozen. */
#include "tests/unit/test.h"
#include "billing/price.h"
#include "core/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY    20738 /* Monday 2026-10-12 */
#define MINUTE (60 * US_PER_S)

static const struct price_item ITEMS[] = {
    {"CONSULT", "远程门诊诊查费", "次", "110200001", "乙", 2, REGIME_GUIDED, 1000},
    {"CONSULT", "远程门诊诊查费", "次", "", "", 2, REGIME_MARKET, 3000},
    {"CONSULT", "远程门诊诊查费", "次", "110200001", "乙", 3, REGIME_GUIDED, 1500},
    {"ECG", "心电远程诊断,含报告", "次", "310701001", "乙", 2, REGIME_GUIDED, 0},
};
static const struct calendar WORKING = {{8 * 60, 14 * 60}, {12 * 60, 18 * 60}, 0x1f, NULL, 0};

static struct price_version version(int64_t id, int32_t from, int32_t to)
{
    return (struct price_version){.id = id,
                                  .region_id = 1,
                                  .number = (int32_t)id,
                                  .author_id = 7,
                                  .from_day = from,
                                  .to_day = to,
                                  .items = ITEMS,
                                  .n_items = sizeof ITEMS / sizeof *ITEMS};
}

static bool step(struct price_version *v, size_t at, size_t n, enum price_event on, int64_t actor,
                 int32_t today, struct err *err)
{
    struct price_act act = {.actor_id = actor, .today = today, .to_day = today + 1, .versions = v, .n = n};
    const char *why = NULL;
    bool ok = price_step(&v[at], on, &act, &why, err);

    CHECK_INT(ok, why != NULL);
    return ok;
}

TEST(price, a_version_goes_from_draft_to_retired)
{
    struct price_version v = version(1, DAY, DAY + 30);
    struct err err = ERR_INIT;

    CHECK_OK(step(&v, 0, 1, PRICE_EV_APPROVE, 8, DAY - 1, &err), &err);
    CHECK_INT(v.approver_id, 8);
    CHECK_ERR(step(&v, 0, 1, PRICE_EV_TAKE_EFFECT, 8, DAY - 1, &err), &err, ERR_CONFLICT, "price_not_yet");
    CHECK_OK(step(&v, 0, 1, PRICE_EV_TAKE_EFFECT, 8, DAY, &err), &err);
    CHECK_ERR(step(&v, 0, 1, PRICE_EV_RETIRE, 8, DAY + 29, &err), &err, ERR_CONFLICT,
              "price_still_effective");
    CHECK_OK(step(&v, 0, 1, PRICE_EV_RETIRE, 8, DAY + 30, &err), &err);
    CHECK_STR(price_state_name(v.state), "retired");
}

TEST(price, what_the_table_does_not_name_is_refused_and_changes_nothing)
{
    for (int from = 0; from < PRICE_STATES; from++)
        for (int on = 0; on < PRICE_EVENTS; on++) {
            struct price_version v = version(1, DAY, DAY + 30);
            struct err err = ERR_INIT;

            v.state = (enum price_state)from;
            if (price_edge(v.state, (enum price_event)on))
                continue;
            CHECK_ERR(step(&v, 0, 1, (enum price_event)on, 8, DAY, &err), &err, ERR_CONFLICT, "wrong_state");
            CHECK_INT(v.state, from);
            CHECK_INT(v.approver_id, 0);
        }
}

TEST(price, who_wrote_it_does_not_approve_it)
{
    struct price_version v = version(1, DAY, DAY + 30);
    struct err err = ERR_INIT;

    CHECK_ERR(step(&v, 0, 1, PRICE_EV_APPROVE, 7, DAY, &err), &err, ERR_DENIED, "price_same_person");
    CHECK_INT(v.state, PRICE_DRAFT);
}

TEST(price, overlapping_versions_are_refused_and_neighbours_are_not)
{
    struct price_version v[] = {version(1, DAY, DAY + 30), version(2, DAY + 29, DAY + 60),
                                version(3, DAY + 30, PRICE_OPEN_END), version(4, DAY, DAY + 30)};
    struct err err = ERR_INIT;

    v[3].region_id = 2;
    CHECK_OK(step(v, 0, 4, PRICE_EV_APPROVE, 8, DAY, &err), &err);
    CHECK_ERR(step(v, 1, 4, PRICE_EV_APPROVE, 8, DAY, &err), &err, ERR_CONFLICT, "price_overlap");
    CHECK_OK(step(v, 2, 4, PRICE_EV_APPROVE, 8, DAY, &err), &err);
    CHECK_OK(step(v, 3, 4, PRICE_EV_APPROVE, 8, DAY, &err), &err); /* another region's */
    CHECK_OK(step(v, 2, 4, PRICE_EV_WITHDRAW, 8, DAY, &err), &err);
    CHECK_ERR(step(v, 0, 4, PRICE_EV_WITHDRAW, 8, DAY, &err), &err, ERR_CONFLICT, "price_day_past");
}

TEST(price, an_open_end_is_closed_before_the_next_one_begins)
{
    struct price_version v[] = {version(1, DAY, PRICE_OPEN_END), version(2, DAY + 11, PRICE_OPEN_END)};
    struct price_act act = {.actor_id = 8, .today = DAY + 10, .to_day = DAY + 10, .versions = v, .n = 2};
    struct err err = ERR_INIT;

    CHECK_OK(step(v, 0, 2, PRICE_EV_APPROVE, 8, DAY, &err), &err);
    CHECK_OK(step(v, 0, 2, PRICE_EV_TAKE_EFFECT, 8, DAY, &err), &err);
    CHECK_ERR(step(v, 1, 2, PRICE_EV_APPROVE, 8, DAY, &err), &err, ERR_CONFLICT, "price_overlap");
    CHECK_ERR(price_step(&v[0], PRICE_EV_END, &act, NULL, &err), &err, ERR_CONFLICT, "price_day_past");
    act.to_day = DAY + 11;
    CHECK_OK(price_step(&v[0], PRICE_EV_END, &act, NULL, &err), &err);
    act.to_day = DAY + 12; /* never longer again */
    CHECK_ERR(price_step(&v[0], PRICE_EV_END, &act, NULL, &err), &err, ERR_INVALID, "price_range");
    CHECK_OK(step(v, 1, 2, PRICE_EV_APPROVE, 8, DAY + 10, &err), &err);
}

TEST(price, a_broken_catalogue_is_refused_with_the_item)
{
    struct price_item items[4];
    struct price_version v = version(1, DAY, DAY + 1);
    struct err err = ERR_INIT;

    memcpy(items, ITEMS, sizeof items);
    v.items = items;
    CHECK_OK(price_version_check(&v, &err), &err);
    items[1].insurance_code = "110200001";
    CHECK_ERR(price_version_check(&v, &err), &err, ERR_INVALID, "price_item");
    items[1] = ITEMS[0];
    CHECK_ERR(price_version_check(&v, &err), &err, ERR_INVALID, "price_twice");
    items[1] = ITEMS[3];
    CHECK_ERR(price_version_check(&v, &err), &err, ERR_INVALID, "price_order");
    items[3] = ITEMS[1];
    price_sort(items, 4);
    CHECK_OK(price_version_check(&v, &err), &err);
    items[2].amount_fen = -1;
    CHECK_ERR(price_version_check(&v, &err), &err, ERR_INVALID, "price_item");
    v.n_items = 0;
    CHECK_ERR(price_version_check(&v, &err), &err, ERR_INVALID, "price_empty");
    v.to_day = v.from_day;
    CHECK_ERR(price_version_check(&v, &err), &err, ERR_INVALID, "price_range");
}

static int64_t frozen_fen(struct price_version *v, size_t n, int64_t at_us)
{
    struct price_snapshot s;
    struct err err = ERR_INIT;

    CHECK_OK(price_freeze(&s, v, n, &WORKING, 1, "CONSULT", 2, at_us, at_us - 100, &err), &err);
    CHECK_OK(price_snapshot_check(&s, &err), &err);
    return s.amount_fen;
}

TEST(price, two_minutes_around_six_are_two_prices)
{
    struct price_version v = version(1, DAY, DAY + 30);
    int64_t six = clock_shanghai_day_start_us(DAY) + 18 * 60 * MINUTE;

    v.state = PRICE_EFFECTIVE;
    CHECK_INT(frozen_fen(&v, 1, six - MINUTE), 1000);
    CHECK_INT(frozen_fen(&v, 1, six + MINUTE), 3000);
    CHECK_INT(frozen_fen(&v, 1, six), 3000);
}

TEST(price, a_later_catalogue_leaves_the_frozen_price_alone)
{
    struct price_item dearer[4];
    struct price_version v[] = {version(1, DAY, DAY + 1), version(2, DAY + 1, DAY + 2)};
    struct price_snapshot s;
    struct err err = ERR_INIT;
    int64_t ten = clock_shanghai_day_start_us(DAY) + 10 * 60 * MINUTE;

    memcpy(dearer, ITEMS, sizeof dearer);
    dearer[0].amount_fen = 1200;
    v[0].state = PRICE_EFFECTIVE;
    v[1].state = PRICE_APPROVED;
    v[1].items = dearer;
    CHECK_OK(price_freeze(&s, v, 2, &WORKING, 1, "CONSULT", 2, ten, ten, &err), &err);
    CHECK_INT(s.amount_fen, 1000);
    CHECK_STR(s.name, "远程门诊诊查费");
    CHECK_STR(s.class, "乙");
    CHECK_INT(frozen_fen(v, 2, ten + 24 * 60 * MINUTE), 1200); /* tomorrow's booking, today */
    v[0].state = PRICE_RETIRED;
    CHECK_OK(price_snapshot_check(&s, &err), &err);
    CHECK_ERR(price_freeze(&s, v, 2, &WORKING, 1, "CONSULT", 2, ten, ten, &err), &err, ERR_NOT_FOUND,
              "price_none");
    s.amount_fen--;
    CHECK_ERR(price_snapshot_check(&s, &err), &err, ERR_CORRUPT, "price_snapshot");
}

TEST(price, a_price_of_another_region_level_or_regime_is_not_ours)
{
    struct price_version v = version(1, DAY, DAY + 30);
    const struct price_version *in;
    const struct price_item *item;
    struct err err = ERR_INIT;
    struct price_wanted w = {1, "ECG", 2, REGIME_GUIDED, DAY};

    v.state = PRICE_EFFECTIVE;
    CHECK_OK(price_find(&in, &item, &v, 1, &w, &err), &err);
    CHECK_INT(item->amount_fen, 0); /* free of charge is a price */
    w.regime = REGIME_MARKET;
    CHECK_ERR(price_find(&in, &item, &v, 1, &w, &err), &err, ERR_NOT_FOUND, "price_none");
    w = (struct price_wanted){2, "ECG", 2, REGIME_GUIDED, DAY};
    CHECK_ERR(price_find(&in, &item, &v, 1, &w, &err), &err, ERR_NOT_FOUND, "price_none");
    w = (struct price_wanted){1, "ECG", 3, REGIME_GUIDED, DAY};
    CHECK_ERR(price_find(&in, &item, &v, 1, &w, &err), &err, ERR_NOT_FOUND, "price_none");
    w = (struct price_wanted){1, "ECG", 2, REGIME_GUIDED, DAY + 30};
    CHECK_ERR(price_find(&in, &item, &v, 1, &w, &err), &err, ERR_NOT_FOUND, "price_none");
}

/* Whatever people try, in whatever order: at most one version holds on any day. */
TEST(price, after_random_lives_no_day_has_two_versions)
{
    uint64_t seed = 4;
    size_t approved = 0, overlaps = 0;

    for (int round = 0; round < 300; round++) {
        struct price_version v[12];
        struct err err = ERR_INIT;

        for (int i = 0; i < 12; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            v[i] = version(i + 1, DAY + (int32_t)(seed >> 33) % 40, 0);
            v[i].to_day = seed >> 60 == 0 ? PRICE_OPEN_END : v[i].from_day + 1 + (int32_t)(seed >> 40) % 20;
        }
        for (int n = 0; n < 200; n++) {
            struct price_act act = {.actor_id = 8, .versions = v, .n = 12};
            struct price_version *one;

            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            one = &v[(seed >> 33) % 12];
            act.today = DAY - 5 + n / 4;
            act.to_day = act.today + (int32_t)(seed >> 50) % 4;
            if (price_step(one, (enum price_event)((seed >> 40) % PRICE_EVENTS), &act, NULL, &err))
                approved += one->state == PRICE_APPROVED;
            overlaps += strcmp(err.reason, "price_overlap") == 0;
            err_clear(&err);
            for (int32_t day = DAY; day < DAY + 60; day++) {
                int holds = 0;

                for (int i = 0; i < 12; i++)
                    holds += (v[i].state == PRICE_APPROVED || v[i].state == PRICE_EFFECTIVE) &&
                             day >= v[i].from_day && day < v[i].to_day;
                CHECK(holds <= 1);
            }
        }
    }
    CHECK(approved > 300 && overlaps > 300);
}

TEST(price, the_readme_shows_the_drawing_that_the_table_gives)
{
    FILE *f = fopen(YZ_SOURCE_DIR "/billing/README.md", "re"), *out;
    char readme[32768], *drawing = NULL;
    size_t len = 0;

    CHECK(f);
    readme[fread(readme, 1, sizeof readme - 1, f)] = '\0';
    fclose(f);
    out = open_memstream(&drawing, &len);
    price_fsm_mermaid(out);
    fclose(out);
    CHECK(strstr(readme, drawing));
    free(drawing);
}
