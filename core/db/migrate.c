#include "core/db/migrate.h"
#include "core/db/migrate.sql.h"
#include "core/log.h"
#include <stdlib.h>
#include <string.h>

#define TRIES 5 /* of the first migration, when another run makes the book at the same time */

static bool book_exists(struct db_sync *s, bool *exists, struct err *err)
{
    struct db_rows rows;

    if (!db_sync_query(s, NULL, &SQL_migrate_book_exists, NULL, &rows, err))
        return false;
    *exists = db_bool(&rows, 0, 0);
    db_rows_free(&rows);
    return true;
}

static const struct migration *source_of(const struct migration *list, size_t n, int number)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].number == number)
            return &list[i];
    return NULL;
}

/* Compare the book with the source. @param[out] done  list[i] is in the book */
static bool read_book(struct db_sync *s, const struct migration *list, size_t n, bool *done, int *last,
                      struct err *err)
{
    struct db_rows rows;
    bool ok = true;

    if (!db_sync_query(s, NULL, &SQL_migrate_applied, NULL, &rows, err))
        return false;
    for (int i = 0; ok && i < rows.n; i++) {
        int number = (int)db_i64(&rows, i, 0);
        const struct migration *m = source_of(list, n, number);
        *last = number > *last ? number : *last;
        if (!m) { /* a newer program has been here; what it added does not disturb us */
            log_warn("migration_unknown", LI("number", number), LS("name", db_str(&rows, i, 1)));
            continue;
        }
        done[m - list] = true;
        if (strcmp(db_str(&rows, i, 2), m->sha256) != 0)
            ok = err_set(err, ERR_CORRUPT, "migration_changed", "%s/up.sql is not what was applied as %s",
                         m->dir, db_str(&rows, i, 1));
    }
    db_rows_free(&rows);
    return ok;
}

static bool note(struct db_sync *s, const struct migration *m, struct err *err)
{
    struct db_args a;

    db_args_init(&a);
    db_arg_i64(&a, m->number);
    db_arg_str(&a, m->name);
    db_arg_str(&a, m->sha256);
    return db_sync_query(s, NULL, &SQL_migrate_note, &a, NULL, err);
}

/* Inside BEGIN, holding the lock where there is a book: apply the first migration that is missing.
 * @param[out] applied  NULL when nothing was missing */
static bool apply_next(struct db_sync *s, const struct migration *list, size_t n, struct migrate_report *r,
                       const struct migration **applied, struct err *err)
{
    bool *done = calloc(n + 1, sizeof *done), exists, ok;
    size_t i = 0;

    if (!done)
        abort();
    ok = book_exists(s, &exists, err) &&
         (!exists || (db_sync_query(s, NULL, &SQL_migrate_lock, NULL, NULL, err) &&
                      read_book(s, list, n, done, &r->last, err)));
    while (i < n && done[i])
        i++;
    free(done);
    *applied = ok && i < n ? &list[i] : NULL;
    if (!*applied)
        return ok;
    if (!db_sync_exec(s, list[i].up, err) || !note(s, &list[i], err)) {
        err_add(err, "apply %s", list[i].name);
        return false;
    }
    return true;
}

static bool one_step(struct db_sync *s, const struct migration *list, size_t n, struct migrate_report *r,
                     bool *more, struct err *err)
{
    const struct migration *applied;

    if (!db_sync_exec(s, "BEGIN", err))
        return false;
    if (!apply_next(s, list, n, r, &applied, err)) {
        db_sync_exec(s, "ROLLBACK", NULL);
        return false;
    }
    if (!db_sync_exec(s, "COMMIT", err))
        return false;
    *more = applied != NULL;
    if (applied) {
        r->applied++;
        r->last = applied->number > r->last ? applied->number : r->last;
        log_info("migrated", LS("name", applied->name));
    }
    return true;
}

/* Two runs on an empty database both try to make the book; the loser finds it made. */
static bool lost_the_race(struct db_sync *s, const struct err *err)
{
    bool exists = false;

    return (strcmp(err->reason, "database_error") == 0 || err_is(err, ERR_CONFLICT)) &&
           book_exists(s, &exists, NULL) && exists;
}

bool migrate_run(struct db_sync *s, const char *source_root, struct migrate_report *out, struct err *err)
{
    struct migrate_report r = {0};
    struct migration *list;
    size_t n;
    bool more = true, ok = true;

    if (!migrate_list(&list, &n, source_root, err))
        return false;
    r.present = (int)n;
    for (int tries = 0; ok && more;) {
        bool first = r.last == 0;
        ok = one_step(s, list, n, &r, &more, err);
        if (!ok && first && ++tries < TRIES && lost_the_race(s, err)) {
            err_clear(err);
            more = ok = true;
        }
    }
    migrate_list_free(list, n);
    if (ok && out)
        *out = r;
    return ok;
}
