#include "dicom/aes.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "dicom/aes.sql.h"

#define REFRESH_US (3 * US_PER_S)
#define FIRST_US   (200 * US_PER_MS)

struct aes {
    struct loop *loop;
    struct db *db;
    int64_t region_id;
    struct loop_timer *timer;
    struct db_job *job;
    struct ae_row *rows;
    size_t n;
    bool known;
};

static const uint8_t V4_IN_V6[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool ae_network(struct ae_row *row, const char *address, unsigned bits)
{
    memcpy(row->network, V4_IN_V6, sizeof V4_IN_V6);
    if (inet_pton(AF_INET, address, row->network + 12) == 1) {
        row->bits = bits + 96;
        return bits <= 32;
    }
    row->bits = bits;
    return inet_pton(AF_INET6, address, row->network) == 1 && bits <= 128;
}

static void address_of(uint8_t out[16], const struct sockaddr_storage *peer)
{
    memcpy(out, V4_IN_V6, sizeof V4_IN_V6);
    if (peer->ss_family == AF_INET6)
        memcpy(out, &((const struct sockaddr_in6 *)peer)->sin6_addr, 16);
    else
        memcpy(out + 12, &((const struct sockaddr_in *)peer)->sin_addr, 4);
}

static bool inside(const struct ae_row *row, const uint8_t a[16])
{
    unsigned whole = row->bits / 8, rest = row->bits % 8;
    uint8_t mask = (uint8_t)(0xff << (8 - rest));

    return memcmp(row->network, a, whole) == 0 && (!rest || ((row->network[whole] ^ a[whole]) & mask) == 0);
}

int64_t ae_judge(const struct ae_row *rows, size_t n, const char *title, const struct sockaddr_storage *peer)
{
    const struct ae_row *best = NULL;
    bool listed = false;
    uint8_t a[16];

    address_of(a, peer);
    for (size_t i = 0; i < n; i++)
        listed |= !strcmp(rows[i].title, title);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(rows[i].title, listed ? title : "*") && inside(&rows[i], a) &&
            (!best || rows[i].bits > best->bits))
            best = &rows[i];
    return best ? best->tenant_id : 0;
}

static void on_list(void *arg, const struct db_rows *rows, const struct err *err)
{
    struct aes *a = arg;

    a->job = NULL;
    loop_timer_set(a->timer, a->known ? REFRESH_US : FIRST_US, 0);
    if (err)
        return; /* the last list stands */
    free(a->rows);
    a->rows = mem_new((size_t)(rows->n + 1) * sizeof *a->rows);
    a->n = 0;
    for (int i = 0; i < rows->n; i++) {
        struct ae_row *row = &a->rows[a->n];

        snprintf(row->title, sizeof row->title, "%s", db_str(rows, i, 0));
        row->tenant_id = db_i64(rows, i, 3);
        if (ae_network(row, db_str(rows, i, 1), (unsigned)db_i64(rows, i, 2)))
            a->n++;
    }
    if (!a->known)
        log_info("access_list_read", LI("rows", a->n));
    a->known = true;
    loop_timer_set(a->timer, REFRESH_US, 0);
}

static void on_timer(void *arg)
{
    struct aes *a = arg;
    struct db_scope scope = {.region_id = a->region_id};
    struct db_args args;

    if (a->job)
        return;
    db_args_init(&args);
    db_arg_i64(&args, a->region_id);
    a->job = db_query(a->db, &scope, &SQL_ae_list, &args, on_list, a);
}

bool aes_new(struct aes **out, struct loop *l, struct db *db, int64_t region_id, struct err *err)
{
    struct aes *a = mem_new(sizeof *a);

    (void)err;
    a->loop = l;
    a->db = db;
    a->region_id = region_id;
    a->timer = loop_timer(l, 0, 0, on_timer, a);
    *out = a;
    return true;
}

void aes_free(struct aes *a)
{
    if (!a)
        return;
    db_cancel(a->job);
    loop_untimer(a->timer);
    free(a->rows);
    free(a);
}

bool aes_known(const struct aes *a)
{
    return a->known;
}

int64_t aes_tenant(const struct aes *a, const char *title, const struct sockaddr_storage *peer)
{
    return ae_judge(a->rows, a->n, title, peer);
}
