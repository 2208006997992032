#include "records/seal.h"
#include "core/json.h"
#include "core/mem.h"
#include "records/seal.sql.h"
#include <stdlib.h>
#include <string.h>

struct seal {
    int64_t region_id;
    const struct sign_key *key;
    bool loaded;
    json_t *through; /* {"sched": 12}: sealed and committed */
    json_t *next;    /* the same when the running transaction commits */
};

void seal_new(struct seal **out, int64_t region_id, const struct sign_key *key)
{
    struct seal *s = mem_new(sizeof *s);

    s->region_id = region_id;
    s->key = key;
    s->through = json_object();
    *out = s;
}

void seal_free(struct seal *s)
{
    if (!s)
        return;
    json_decref(s->through);
    json_decref(s->next);
    free(s);
}

void seal_committed(struct seal *s)
{
    if (!s->next)
        return;
    json_decref(s->through);
    s->through = s->next;
    s->next = NULL;
}

static void arg_json(struct db_args *a, const json_t *doc)
{
    char *text = json_text(doc, NULL);

    db_arg_str(a, text);
    free(text);
}

static bool load_through(struct seal *s, struct db_sync *db, struct err *err)
{
    struct db_args a;
    struct db_rows r;

    db_args_init(&a);
    db_arg_i64(&a, s->region_id);
    if (!db_sync_query(db, NULL, &SQL_seal_through, &a, &r, err))
        return false;
    for (int i = 0; i < r.n; i++)
        json_object_set_new(s->through, db_str(&r, i, 0), json_integer(db_i64(&r, i, 1)));
    db_rows_free(&r);
    s->loaded = true;
    return true;
}

static bool new_rows(struct seal *s, struct db_sync *db, struct db_rows *out, struct err *err)
{
    json_t *list = json_array();
    struct db_args a;
    const char *writer;
    json_t *seq;

    json_object_foreach(s->through, writer, seq)
        json_array_append_new(list, json_pack("{s:s, s:O}", "writer", writer, "seq", seq));
    db_args_init(&a);
    db_arg_i64(&a, s->region_id);
    arg_json(&a, list);
    json_decref(list);
    return db_sync_query(db, NULL, &SQL_seal_new_rows, &a, out, err);
}

static bool last_seals(struct seal *s, struct db_sync *db, const struct db_rows *rows, struct db_rows *out,
                       struct err *err)
{
    int64_t *tenants = mem_new(sizeof *tenants * (size_t)rows->n);
    size_t n = 0;
    struct db_args a;

    for (int i = 0; i < rows->n; i++)
        if (!n || tenants[n - 1] != db_i64(rows, i, 0))
            tenants[n++] = db_i64(rows, i, 0);
    db_args_init(&a);
    db_arg_i64(&a, s->region_id);
    db_arg_i64s(&a, tenants, n);
    free(tenants);
    return db_sync_query(db, NULL, &SQL_seal_last, &a, out, err);
}

/* A tenant's heads are kept by writer while rows are merged in, and written as a list sorted by writer. */
static json_t *heads_by_writer(const char *text)
{
    json_t *out = json_object(), *list = text ? json_loads(text, 0, NULL) : NULL, *head;
    size_t i;

    json_array_foreach(list, i, head)
        json_object_set(out, json_string_value(json_object_get(head, "writer")), head);
    json_decref(list);
    return out;
}

static void heads_merge(json_t *heads, const struct db_rows *rows, int i)
{
    const char *writer = db_str(rows, i, 1);
    json_int_t before = json_integer_value(json_object_get(json_object_get(heads, writer), "rows"));

    json_object_set_new(heads, writer,
                        json_pack("{s:s, s:I, s:s, s:I}", "writer", writer, "seq",
                                  (json_int_t)db_i64(rows, i, 2), "hash", db_str(rows, i, 3), "rows",
                                  before + (json_int_t)db_i64(rows, i, 4)));
}

static char *heads_text(json_t *heads)
{
    json_t *list = json_array(), *head;
    char *sorted = json_dumps(heads, JSON_COMPACT | JSON_SORT_KEYS), *text;
    json_t *again = json_loads(sorted, 0, NULL);
    const char *writer;

    json_object_foreach(again, writer, head) json_array_append(list, head);
    text = json_text(list, NULL);
    json_decref(again);
    json_decref(list);
    free(sorted);
    return text;
}

static json_t *hex(const uint8_t *p, size_t n)
{
    char text[2 * 64 + 1];

    crypto_hex(p, n, text);
    return json_string(text);
}

/** Sign one tenant's heads and put the row into `out`. */
static bool seal_one(struct seal *s, json_t *out, struct audit_seal *seal, json_t *heads, struct err *err)
{
    char *text = heads_text(heads);
    uint8_t pub[32], sig[64];
    json_t *row;
    bool ok;

    seal->heads = text;
    audit_seal_hash(seal, seal->hash);
    sign_key_public(s->key, pub);
    ok = sign_key_sign(s->key, seal->hash, SHA256_LEN, sig, err);
    if (ok) {
        row = json_pack("{s:I, s:I, s:o, s:s}", "tenant_id", (json_int_t)seal->tenant_id, "seq",
                        (json_int_t)seal->seq, "at", json_time(seal->at_us), "heads", text);
        json_object_set_new(row, "prev_hash", hex(seal->prev_hash, SHA256_LEN));
        json_object_set_new(row, "hash", hex(seal->hash, SHA256_LEN));
        json_object_set_new(row, "public_key", hex(pub, sizeof pub));
        json_object_set_new(row, "signature", hex(sig, sizeof sig));
        json_array_append_new(out, row);
    }
    free(text);
    return ok;
}

/** All rows of one tenant begin at *i; moves *i behind them. */
static bool seal_tenant(struct seal *s, json_t *out, const struct db_rows *rows, int *i,
                        const struct db_rows *last, int64_t now_us, struct err *err)
{
    struct audit_seal seal = {
        .region_id = s->region_id, .tenant_id = db_i64(rows, *i, 0), .seq = 1, .at_us = now_us};
    json_t *heads = NULL;
    bool ok;

    for (int k = 0; k < last->n; k++) {
        if (db_i64(last, k, 0) != seal.tenant_id)
            continue;
        seal.seq = db_i64(last, k, 1) + 1;
        if (!crypto_unhex(db_str(last, k, 2), 2 * SHA256_LEN, seal.prev_hash, SHA256_LEN))
            return err_set(err, ERR_CORRUPT, "seal_corrupt", "the last seal of a tenant has no hash");
        heads = heads_by_writer(db_str(last, k, 3));
    }
    if (!heads)
        heads = json_object();
    for (; *i < rows->n && db_i64(rows, *i, 0) == seal.tenant_id; ++*i)
        heads_merge(heads, rows, *i);
    ok = seal_one(s, out, &seal, heads, err);
    json_decref(heads);
    return ok;
}

static bool insert_seals(struct seal *s, struct db_sync *db, const json_t *list, struct err *err)
{
    struct db_args a;
    struct db_rows r;

    db_args_init(&a);
    db_arg_i64(&a, s->region_id);
    arg_json(&a, list);
    if (!db_sync_query(db, NULL, &SQL_seal_insert, &a, &r, err))
        return false;
    db_rows_free(&r);
    return true;
}

static void remember(struct seal *s, const struct db_rows *rows)
{
    json_decref(s->next);
    s->next = json_copy(s->through);
    for (int i = 0; i < rows->n; i++)
        if (db_i64(rows, i, 2) > json_integer_value(json_object_get(s->next, db_str(rows, i, 1))))
            json_object_set_new(s->next, db_str(rows, i, 1), json_integer(db_i64(rows, i, 2)));
}

bool seal_run(struct seal *s, struct db_sync *db, int64_t now_us, unsigned *sealed, struct err *err)
{
    struct db_rows rows = {0}, last = {0};
    json_t *out = json_array();
    bool ok = false;
    int i = 0;

    *sealed = 0;
    if (!s->loaded && !load_through(s, db, err))
        goto out;
    if (!new_rows(s, db, &rows, err))
        goto out;
    if (rows.n && !last_seals(s, db, &rows, &last, err))
        goto out;
    while (i < rows.n)
        if (!seal_tenant(s, out, &rows, &i, &last, now_us, err))
            goto out;
    if (rows.n && !insert_seals(s, db, out, err))
        goto out;
    remember(s, &rows);
    *sealed = (unsigned)json_array_size(out);
    ok = true;
out:
    db_rows_free(&rows);
    db_rows_free(&last);
    json_decref(out);
    if (!ok)
        err_add(err, "seal the audit trail");
    return ok;
}
