#include "scheduling/exam_fsm.h"
#include "scheduling/order_fsm.h"
#include "scheduling/roster_fsm.h"
#include "tests/unit/test.h"
#include <stdlib.h>
#include <string.h>

TEST(order_fsm, every_state_and_event_is_either_in_the_table_or_refused)
{
    int edges = 0;

    for (int s = 0; s < ORDER_STATE_COUNT; s++)
        for (int e = 0; e < ORDER_EVENT_COUNT; e++) {
            const struct order_edge *edge = order_edge((enum order_state)s, (enum order_event)e);
            enum order_state state = (enum order_state)s;
            struct err err = ERR_INIT;
            const char *why = NULL;

            if (edge) {
                edges++;
                CHECK_OK(order_step(&state, (enum order_event)e, &why, &err), &err);
                CHECK_INT(state, edge->to);
                CHECK(why && *why);
            } else {
                CHECK_ERR(order_step(&state, (enum order_event)e, &why, &err), &err, ERR_CONFLICT,
                          "wrong_state");
                CHECK_INT(state, s);
            }
        }
    CHECK_INT(edges, 21);
}

/* Every state can be reached, every state leads somewhere final, and what is final is final. */
TEST(order_fsm, no_order_can_be_stuck)
{
    bool seen[ORDER_STATE_COUNT] = {[ORDER_DRAFT] = true}, ends[ORDER_STATE_COUNT] = {false};

    for (int s = 0; s < ORDER_STATE_COUNT; s++)
        ends[s] = order_is_final((enum order_state)s);
    for (int round = 0; round < ORDER_STATE_COUNT; round++)
        for (int s = 0; s < ORDER_STATE_COUNT; s++)
            for (int e = 0; e < ORDER_EVENT_COUNT; e++) {
                const struct order_edge *edge = order_edge((enum order_state)s, (enum order_event)e);

                if (edge && seen[s])
                    seen[edge->to] = true;
                if (edge && ends[edge->to])
                    ends[s] = true;
            }
    for (int s = 0; s < ORDER_STATE_COUNT; s++) {
        CHECK(seen[s]);
        CHECK(ends[s]);
    }
    CHECK(order_is_final(ORDER_CLOSED) && order_is_final(ORDER_CANCELLED) && !order_is_final(ORDER_SIGNED));
}

TEST(order_fsm, names_are_each_others_inverse)
{
    enum order_state state;

    for (int s = 0; s < ORDER_STATE_COUNT; s++) {
        CHECK(order_state_parse(order_state_name((enum order_state)s), &state));
        CHECK_INT(state, s);
    }
    CHECK(!order_state_parse("lost", &state));
}

TEST(roster_fsm, every_state_and_event_is_either_in_the_table_or_refused)
{
    int edges = 0;

    for (int s = 0; s < ROSTER_STATE_COUNT; s++)
        for (int e = 0; e < ROSTER_EVENT_COUNT; e++) {
            enum roster_state state = (enum roster_state)s;
            const struct roster_edge *edge = roster_edge(state, (enum roster_event)e);
            struct err err = ERR_INIT;

            CHECK_INT(roster_step(&state, (enum roster_event)e, NULL, &err), edge != NULL);
            CHECK_INT(state, edge ? (int)edge->to : s);
            edges += edge != NULL;
        }
    CHECK_INT(edges, 8);
}

TEST(roster_fsm, slots_are_free_only_while_the_session_is_open_or_running)
{
    for (int s = 0; s < ROSTER_STATE_COUNT; s++)
        for (int e = 0; e < ROSTER_EVENT_COUNT; e++) {
            const struct roster_edge *edge = roster_edge((enum roster_state)s, (enum roster_event)e);

            if (!edge)
                continue;
            CHECK_INT(edge->slots == SLOTS_FREE, edge->to == ROSTER_OPEN);
            CHECK_INT(edge->slots == SLOTS_CLOSE, edge->to == ROSTER_CLOSED || edge->to == ROSTER_CANCELLED);
        }
}

/* The states a read may not come back from, and those it must be able to leave. */
TEST(exam_fsm, every_state_and_event_is_either_in_the_table_or_refused)
{
    int edges = 0;

    for (int s = 0; s < EXAM_STATE_COUNT; s++)
        for (int e = 0; e < EXAM_EVENT_COUNT; e++) {
            const struct exam_edge *edge = exam_edge((enum exam_state)s, (enum exam_event)e);

            if (!edge)
                continue;
            edges++;
            CHECK_INT(edge->from, s);
            CHECK(*edge->why);
            CHECK(s != EXAM_REJECTED && s != EXAM_CANCELLED);
            CHECK(edge->to != EXAM_SIGNED || s == EXAM_DRAFT);   /* nothing is signed that was not written */
            CHECK(edge->to != EXAM_CLAIMED || s == EXAM_POOLED); /* nor claimed that did not wait */
            CHECK(s < EXAM_SIGNED || edge->to >= EXAM_SIGNED);   /* what is signed stays signed */
        }
    CHECK_INT(edges, 22);
}

TEST(exam_fsm, no_exam_can_be_stuck)
{
    bool seen[EXAM_STATE_COUNT] = {[EXAM_ORDERED] = true}, ends[EXAM_STATE_COUNT] = {false};

    for (int s = 0; s < EXAM_STATE_COUNT; s++)
        ends[s] = exam_is_final((enum exam_state)s);
    for (int round = 0; round < EXAM_STATE_COUNT; round++)
        for (int s = 0; s < EXAM_STATE_COUNT; s++)
            for (int e = 0; e < EXAM_EVENT_COUNT; e++) {
                const struct exam_edge *edge = exam_edge((enum exam_state)s, (enum exam_event)e);

                if (edge && seen[s])
                    seen[edge->to] = true;
                if (edge && ends[edge->to])
                    ends[s] = true;
            }
    for (int s = 0; s < EXAM_STATE_COUNT; s++) {
        CHECK(seen[s]);
        CHECK(ends[s]);
    }
}

TEST(exam_fsm, names_are_each_others_inverse)
{
    enum exam_state state;

    for (int s = 0; s < EXAM_STATE_COUNT; s++) {
        CHECK(exam_state_parse(exam_state_name((enum exam_state)s), &state));
        CHECK_INT(state, s);
    }
    CHECK(!exam_state_parse("lost", &state));
}

/* ---------------------------------------------------------------- the drawings in README.md */

static char *text_of(FILE *f)
{
    char *text = calloc(1, 1 << 16);

    CHECK(f && text);
    rewind(f);
    text[fread(text, 1, (1 << 16) - 1, f)] = 0;
    fclose(f);
    return text;
}

static void readme_holds(void (*draw)(FILE *out))
{
    FILE *drawn = tmpfile();
    char *readme = text_of(fopen(YZ_SOURCE_DIR "/scheduling/README.md", "re")), *drawing;

    draw(drawn);
    drawing = text_of(drawn);
    CHECK(strstr(readme, drawing) !=
          NULL); /* yz-schedulerd --fsm-mermaid, --exam-mermaid, --roster-mermaid */
    free(readme);
    free(drawing);
}

TEST(order_fsm, the_readme_shows_the_drawing_that_the_table_gives)
{
    readme_holds(order_fsm_mermaid);
}

TEST(roster_fsm, the_readme_shows_the_drawing_that_the_table_gives)
{
    readme_holds(roster_fsm_mermaid);
}

TEST(exam_fsm, the_readme_shows_the_drawing_that_the_table_gives)
{
    readme_holds(exam_fsm_mermaid);
}
