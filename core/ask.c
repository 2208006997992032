#include "core/ask.h"

/* --- to the owner --- */

void ask_put_request(struct wire_out *o, const struct ask_request *r)
{
    wire_put_u16(o, (uint16_t)r->op);
    wire_put_i64(o, r->region_id);
    wire_put_i64(o, r->tenant_id);
    wire_put_i64(o, r->account_id);
    wire_put_i64(o, r->person_id);
    wire_put_i64(o, r->staff_id);
    wire_put_u32(o, r->roles);
    wire_put_str(o, r->key);
    wire_put_str(o, r->client_id);
    wire_put_bytes(o, r->body, r->body_len);
}

bool ask_get_request(struct wire_in *in, struct ask_request *out)
{
    *out = (struct ask_request){0};
    out->op = wire_get_u16(in);
    out->region_id = wire_get_i64(in);
    out->tenant_id = wire_get_i64(in);
    out->account_id = wire_get_i64(in);
    out->person_id = wire_get_i64(in);
    out->staff_id = wire_get_i64(in);
    out->roles = wire_get_u32(in);
    wire_get_str(in, out->key, sizeof out->key);
    wire_get_str(in, out->client_id, sizeof out->client_id);
    out->body = wire_get_bytes(in, &out->body_len);
    return wire_end(in);
}

void ask_put_subscribe(struct wire_out *o, const struct ask_subscription *s)
{
    wire_put_i64(o, s->region_id);
    wire_put_u64(o, s->after_seq);
}

bool ask_get_subscribe(struct wire_in *in, struct ask_subscription *out)
{
    out->region_id = wire_get_i64(in);
    out->after_seq = wire_get_u64(in);
    return wire_end(in);
}

/* --- from the owner --- */

void ask_put_answer(struct wire_out *o, const char *json, size_t len)
{
    wire_put_bytes(o, json, len);
}

bool ask_get_answer(struct wire_in *in, const uint8_t **json, size_t *len)
{
    *json = wire_get_bytes(in, len);
    return wire_end(in);
}

void ask_put_refused(struct wire_out *o, const struct err *err, const char *details, size_t len)
{
    wire_put_u16(o, (uint16_t)err->code);
    wire_put_str(o, err->reason);
    wire_put_str(o, err->text);
    wire_put_bytes(o, details, len);
}

bool ask_get_refused(struct wire_in *in, struct err *err, const uint8_t **details, size_t *len)
{
    unsigned code = wire_get_u16(in);

    wire_get_str(in, err->reason, sizeof err->reason);
    wire_get_str(in, err->text, sizeof err->text);
    *details = wire_get_bytes(in, len);
    err->code = code == ERR_NONE || code > ERR_CORRUPT ? ERR_INTERNAL : (enum err_code)code;
    return wire_end(in);
}

static void put_ids(struct wire_out *o, const int64_t *ids, size_t n)
{
    wire_put_u16(o, (uint16_t)n);
    for (size_t i = 0; i < n; i++)
        wire_put_i64(o, ids[i]);
}

void ask_put_event(struct wire_out *o, const struct ask_event *ev)
{
    wire_put_i64(o, ev->region_id);
    wire_put_u64(o, ev->seq);
    wire_put_str(o, ev->topic);
    put_ids(o, ev->tenants, ev->n_tenants);
    put_ids(o, ev->accounts, ev->n_accounts);
    wire_put_u32(o, ev->roles);
    wire_put_bytes(o, ev->json, ev->json_len);
}

static size_t get_ids(struct wire_in *in, int64_t *out)
{
    size_t n = wire_get_u16(in);

    if (n > ASK_AUDIENCE_MAX) {
        in->bad = true;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = wire_get_i64(in);
    return n;
}

bool ask_get_event(struct wire_in *in, struct ask_event *out, struct ask_audience *room)
{
    *out = (struct ask_event){.tenants = room->tenants, .accounts = room->accounts};
    out->region_id = wire_get_i64(in);
    out->seq = wire_get_u64(in);
    wire_get_str(in, out->topic, sizeof out->topic);
    out->n_tenants = get_ids(in, room->tenants);
    out->n_accounts = get_ids(in, room->accounts);
    out->roles = wire_get_u32(in);
    out->json = (const char *)wire_get_bytes(in, &out->json_len);
    return wire_end(in);
}

void ask_put_hello(struct wire_out *o, const struct ask_hello *h)
{
    wire_put_i64(o, h->region_id);
    wire_put_u64(o, h->epoch);
    wire_put_u64(o, h->last_seq);
}

bool ask_get_hello(struct wire_in *in, struct ask_hello *out)
{
    out->region_id = wire_get_i64(in);
    out->epoch = wire_get_u64(in);
    out->last_seq = wire_get_u64(in);
    return wire_end(in);
}
