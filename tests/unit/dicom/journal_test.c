/* What was promised and has no row yet outlives any number of ends of the process. */
#include <stdlib.h>
#include "core/json.h"
#include "dicom/journal.h"
#include "tests/unit/test.h"

struct heard {
    struct journal *j;
    int64_t done[4]; /* lines whose rows are found committed while the journal is read; ends with 0 */
    int64_t ids[16];
    size_t n;
};

static void on_line(void *arg, const json_t *record)
{
    struct heard *h = arg;
    int64_t id = json_integer_value(json_object_get(record, "id"));

    h->ids[h->n++] = id;
    for (const int64_t *d = h->done; *d; d++)
        if (*d == id)
            journal_done(h->j);
}

static struct journal *reopen(struct journal *j, const char *dir, struct heard *h)
{
    struct err err = ERR_INIT;

    journal_close(j);
    CHECK_OK(journal_open(&j, dir, &err), &err);
    h->j = j;
    h->n = 0;
    CHECK_OK(journal_replay(j, on_line, h, &err), &err);
    return j;
}

static void add(struct journal *j, int64_t id)
{
    json_t *d = json_object();
    struct err err = ERR_INIT;

    json_object_set_new(d, "id", json_integer(id));
    CHECK_OK(journal_append(j, d, &err), &err);
    json_decref(d);
}

TEST(journal, a_line_that_is_done_while_it_is_read_takes_none_of_the_others_with_it)
{
    const char *dir = test_dir(t);
    struct heard h = {0};
    struct journal *j = reopen(NULL, dir, &h);

    add(j, 1);
    add(j, 2);
    add(j, 3);
    h.done[0] = 1; /* its files are where its rows say: only the end of the line was missing */
    j = reopen(j, dir, &h);
    CHECK_INT(h.n, 3);
    CHECK_INT(journal_open_lines(j), 2);

    h.done[0] = 0; /* killed again before 2 and 3 were written */
    j = reopen(j, dir, &h);
    CHECK_INT(h.n, 3);
    CHECK_INT(h.ids[1], 2);
    CHECK_INT(h.ids[2], 3);
    journal_close(j);
}

TEST(journal, is_empty_when_everything_in_it_is_done)
{
    const char *dir = test_dir(t);
    struct heard h = {.done = {1, 2}};
    struct journal *j = reopen(NULL, dir, &h);

    add(j, 1);
    add(j, 2);
    j = reopen(j, dir, &h);
    CHECK_INT(h.n, 2);
    CHECK_INT(journal_open_lines(j), 0);
    j = reopen(j, dir, &h);
    CHECK_INT(h.n, 0);
    journal_close(j);
}
