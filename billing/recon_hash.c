#include "billing/recon_hash.h"
#include <string.h>

/* A text longer than the buffer goes past it; everything else is gathered, for a call per field costs more than the hash. */
struct gather {
    struct sha256 *sha;
    size_t n;
    uint8_t bytes[16 * 1024];
};

static void put(struct gather *g, const void *data, size_t len)
{
    if (len > sizeof g->bytes - g->n) {
        sha256_update(g->sha, g->bytes, g->n);
        g->n = 0;
    }
    if (len > sizeof g->bytes) {
        sha256_update(g->sha, data, len);
        return;
    }
    memcpy(g->bytes + g->n, data, len);
    g->n += len;
}

static void put_int(struct gather *g, int64_t v)
{
    uint8_t le[8];

    for (int i = 0; i < 8; i++)
        le[i] = (uint8_t)((uint64_t)v >> 8 * i);
    put(g, le, sizeof le);
}

static void put_text(struct gather *g, const char *text)
{
    size_t len = strlen(text);

    put_int(g, (int64_t)len);
    put(g, text, len);
}

static void put_ours(struct gather *g, const struct recon_ours *o)
{
    put_int(g, o->id);
    put_int(g, (int64_t)o->kind << 32 | (int64_t)o->state);
    put_int(g, o->at_us);
    put_int(g, o->amount_fen);
    put_int(g, o->fee_milli_fen);
    put_int(g, o->matched_day);
    put_text(g, o->out_trade_no);
    put_text(g, o->out_refund_no);
    put_text(g, o->transaction_id);
}

static void put_row(struct gather *g, const struct bill_row *row)
{
    put_int(g, (int64_t)row->kind << 32 | row->line);
    put_int(g, row->at_us);
    put_int(g, row->amount_fen);
    put_int(g, row->order_fen);
    put_int(g, row->fee_milli_fen);
    put_text(g, row->out_trade_no);
    put_text(g, row->out_refund_no);
    put_text(g, row->transaction_id);
    put_text(g, row->refund_id);
    put_text(g, row->status);
}

static void put_diff(struct gather *g, const struct recon_diff *d)
{
    put_int(g, (int64_t)d->class << 1 | d->cleared);
    put_int(g, d->ours);
    put_int(g, d->channel);
    put_int(g, d->delta_fen);
    put_int(g, d->fee_delta_milli_fen);
}

void recon_hash(uint8_t out[SHA256_LEN], const struct recon_rule *rule, int32_t day,
                const struct recon_ours *ours, size_t n_ours, const struct bill *bill,
                const struct recon_result *result)
{
    struct gather g = {.sha = sha256_new()};

    put_text(&g, "yunzhen recon 1");
    put_int(&g, rule->version);
    put_int(&g, rule->cutoff_s);
    put_int(&g, rule->cutoff_days);
    put_int(&g, rule->fee_tolerance_milli_fen);
    put_int(&g, day);
    put_int(&g, (int64_t)n_ours);
    for (size_t i = 0; i < n_ours; i++)
        put_ours(&g, &ours[i]);
    put_int(&g, (int64_t)bill->n);
    for (size_t i = 0; i < bill->n; i++)
        put_row(&g, &bill->rows[i]);
    put_int(&g, (int64_t)result->n);
    for (size_t i = 0; i < result->n; i++)
        put_diff(&g, &result->diffs[i]);
    sha256_update(g.sha, g.bytes, g.n);
    sha256_final(g.sha, out);
}
