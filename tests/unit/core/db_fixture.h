/* db_fixture.h - one database connection object, small tables, and questions whose answers are remembered. */
#pragma once
#include "tests/unit/pg_fixture.h"

extern const struct db_stmt ECHO;
extern const struct db_stmt SCOPE;
extern const struct db_stmt SLEEP;
extern const struct db_stmt INSERT;

struct fx {
    struct loop *loop;
    struct db *db;
    int calls; /* of all answers */
    int ready, away;
};

/** The tables anew, and a database object with one connection of each kind. */
struct fx *fx_open(struct test *t);
struct fx *fx_with(struct test *t, const struct db_options *opt);

/* What one question was answered. */
struct answer {
    struct fx *f;
    int at; /* the how-manieth answer of the fixture; 0: none yet */
    int n;
    int64_t affected, number;
    char text[3][40];
    struct err err;
};

/** A db_fn: fills its struct answer, once. */
void on_answer(void *arg, const struct db_rows *rows, const struct err *err);
struct db_job *ask(struct fx *f, struct answer *a, const struct db_scope *scope, const struct db_stmt *stmt,
                   struct db_args *args);
struct db_job *ask_echo(struct fx *f, struct answer *a, int64_t n);
void ask_insert(struct fx *f, struct answer *a, int64_t id, const char *name, int64_t size);
void ask_sleep(struct fx *f, struct answer *a, const char *seconds);
/** Schema t with things, parents and a secret, anew. */
void make_tables(void);
