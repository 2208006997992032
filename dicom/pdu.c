#include "dicom/pdu.h"
#include "core/mem.h"
#include <stdlib.h>
#include <string.h>

/* Items inside A-ASSOCIATE (PS3.8 section 9.3.2, annex D.3). */
enum {
    ITEM_APPLICATION = 0x10,
    ITEM_CONTEXT_RQ = 0x20,
    ITEM_CONTEXT_AC = 0x21,
    ITEM_ABSTRACT = 0x30,
    ITEM_SYNTAX = 0x40,
    ITEM_USER = 0x50,
    ITEM_MAX_LENGTH = 0x51,
    ITEM_IMPLEMENTATION_UID = 0x52,
    ITEM_IMPLEMENTATION_VERSION = 0x55,
};

#define ASSOCIATE_FIXED 68 /* version, two reserved, two titles, 32 reserved */

struct reader {
    const uint8_t *at;
    size_t left;
};

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool bad(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "pdu_malformed", "%s", what);
}

bool pdu_head(const uint8_t data[PDU_HEAD], uint32_t data_max, enum pdu_type *type, uint32_t *len,
              struct err *err)
{
    /* AC and RJ have the shape of what a requestor gets; the others are fixed. */
    static const uint32_t MAX[] = {
        [PDU_ASSOCIATE_RQ] = PDU_ASSOCIATE_MAX,
        [PDU_ASSOCIATE_AC] = PDU_ASSOCIATE_MAX,
        [PDU_ASSOCIATE_RJ] = 4,
        [PDU_RELEASE_RQ] = 4,
        [PDU_RELEASE_RP] = 4,
        [PDU_ABORT] = 4,
    };
    uint32_t n = be32(data + 2), max;

    if (data[0] < PDU_ASSOCIATE_RQ || data[0] > PDU_ABORT)
        return err_set(err, ERR_INVALID, "pdu_unknown", "PDU type 0x%02x", data[0]);
    max = data[0] == PDU_DATA ? data_max : MAX[data[0]];
    if (n > max)
        return err_set(err, ERR_INVALID, "pdu_too_long", "PDU type %d of %u bytes, %u are allowed", data[0],
                       (unsigned)n, (unsigned)max);
    *type = (enum pdu_type)data[0];
    *len = n;
    return true;
}

static struct pdu_text text_of(const uint8_t *p, size_t len)
{
    struct pdu_text t = {(const char *)p, len};

    while (t.len && (t.at[t.len - 1] == '\0' || t.at[t.len - 1] == ' '))
        t.len--; /* a UID is padded with NUL by some, although it must not be here */
    return t;
}

/* An AE title: 16 characters, leading and trailing blanks mean nothing (PS3.8 section 9.3.2). */
static void title_of(char out[PDU_AE + 1], const uint8_t *p)
{
    struct pdu_text t = text_of(p, PDU_AE);

    while (t.len && *t.at == ' ')
        t.at++, t.len--;
    for (size_t i = 0; i < t.len; i++)
        out[i] = t.at[i] >= ' ' && t.at[i] < 0x7f ? t.at[i] : '?';
    out[t.len] = '\0';
}

/* The next item: type, reserved byte, u16 length, that many bytes. */
static bool next_item(struct reader *r, uint8_t *type, struct reader *item, struct err *err)
{
    size_t n;

    if (r->left < 4)
        return bad(err, "an item without a head");
    n = be16(r->at + 2);
    if (n > r->left - 4)
        return bad(err, "an item longer than what holds it");
    *type = r->at[0];
    *item = (struct reader){r->at + 4, n};
    r->at += 4 + n;
    r->left -= 4 + n;
    return true;
}

static bool parse_context(struct pdu_associate *a, bool ac, struct reader in, struct err *err)
{
    struct pdu_context *c;
    struct reader item;
    uint8_t type;

    if (a->n_contexts == PDU_CONTEXTS_MAX)
        return bad(err, "more than 128 presentation contexts");
    if (in.left < 4)
        return bad(err, "a presentation context without a head");
    c = &a->context[a->n_contexts++];
    c->id = in.at[0];
    c->result = ac ? in.at[2] : PDU_CONTEXT_NO_REASON;
    c->chosen = 0;
    c->n_syntaxes = 0;
    c->abstract = (struct pdu_text){"", 0};
    if (c->id % 2 == 0)
        return bad(err, "a presentation context with an even id");
    in.at += 4;
    in.left -= 4;
    while (in.left) {
        if (!next_item(&in, &type, &item, err))
            return false;
        if (type == ITEM_ABSTRACT)
            c->abstract = text_of(item.at, item.left);
        else if (type == ITEM_SYNTAX && c->n_syntaxes < PDU_SYNTAXES_MAX)
            c->syntax[c->n_syntaxes++] = text_of(item.at, item.left);
    }
    if (!ac && (c->abstract.len == 0 || c->abstract.len > PDU_UID))
        return bad(err, "a presentation context without an abstract syntax");
    return true;
}

static bool parse_user(struct pdu_associate *a, struct reader in, struct err *err)
{
    struct reader item;
    uint8_t type;

    while (in.left) {
        if (!next_item(&in, &type, &item, err))
            return false;
        if (type == ITEM_MAX_LENGTH) {
            if (item.left != 4)
                return bad(err, "a maximum length of another size");
            a->max_length = be32(item.at);
        } else if (type == ITEM_IMPLEMENTATION_UID) {
            a->implementation_uid = text_of(item.at, item.left);
        } else if (type == ITEM_IMPLEMENTATION_VERSION) {
            a->implementation_version = text_of(item.at, item.left);
        }
    }
    return true;
}

static bool context_ids_differ(const struct pdu_associate *a)
{
    bool seen[256] = {false};

    for (unsigned i = 0; i < a->n_contexts; i++) {
        if (seen[a->context[i].id])
            return false;
        seen[a->context[i].id] = true;
    }
    return true;
}

bool pdu_parse_associate(struct pdu_associate *out, enum pdu_type type, const uint8_t *body, size_t len,
                         struct err *err)
{
    bool ac = type == PDU_ASSOCIATE_AC;
    struct reader r, item;
    uint8_t kind;

    out->n_contexts = 0;
    out->max_length = 0;
    out->application = out->implementation_uid = out->implementation_version = (struct pdu_text){"", 0};
    if (len < ASSOCIATE_FIXED)
        return bad(err, "an A-ASSOCIATE shorter than its fixed part");
    out->version = be16(body);
    title_of(out->called, body + 4);
    title_of(out->calling, body + 4 + PDU_AE);
    r = (struct reader){body + ASSOCIATE_FIXED, len - ASSOCIATE_FIXED};
    while (r.left) {
        if (!next_item(&r, &kind, &item, err))
            return false;
        if (kind == ITEM_APPLICATION)
            out->application = text_of(item.at, item.left);
        else if (kind == (ac ? ITEM_CONTEXT_AC : ITEM_CONTEXT_RQ) && !parse_context(out, ac, item, err))
            return false;
        else if (kind == ITEM_USER && !parse_user(out, item, err))
            return false;
    }
    return context_ids_differ(out) || bad(err, "two presentation contexts of one id");
}

bool pdu_parse_reject(struct pdu_reject *out, const uint8_t *body, size_t len, struct err *err)
{
    if (len != 4)
        return bad(err, "an A-ASSOCIATE-RJ of another size");
    *out = (struct pdu_reject){body[1], body[2], body[3]};
    return true;
}

bool pdu_parse_abort(struct pdu_abort *out, const uint8_t *body, size_t len, struct err *err)
{
    if (len != 4)
        return bad(err, "an A-ABORT of another size");
    *out = (struct pdu_abort){body[2], body[3]};
    return true;
}

bool pdu_parse_release(const uint8_t *body, size_t len, struct err *err)
{
    (void)body;
    return len == 4 || bad(err, "an A-RELEASE of another size");
}

/* PS3.8 section 9.3.5.1 and annex E.2: u32 length, context id, message control header, bytes. */
bool pdu_next_pdv(struct pdu_pdv *out, const uint8_t *body, size_t len, size_t *at, struct err *err)
{
    size_t left = len - *at;
    const uint8_t *p = body + *at;
    uint32_t n;

    if (!left)
        return false;
    if (left < 6)
        return bad(err, "a fragment without a head");
    n = be32(p);
    if (n < 2 || n > left - 4)
        return bad(err, "a fragment longer than its PDU");
    *out =
        (struct pdu_pdv){.context = p[4], .command = p[5] & 1, .last = p[5] & 2, .data = p + 6, .len = n - 2};
    *at += 4 + n;
    return true;
}

static bool check_data(const uint8_t *body, size_t len, struct err *err)
{
    struct pdu_pdv v;
    size_t at = 0;
    struct err inner = ERR_INIT;

    while (pdu_next_pdv(&v, body, len, &at, &inner))
        ;
    if (inner.code != ERR_NONE)
        return bad(err, inner.text);
    return true;
}

bool pdu_check(const uint8_t *data, size_t len, uint32_t data_max, struct err *err)
{
    struct pdu_associate *a;
    struct pdu_reject rj;
    struct pdu_abort ab;
    enum pdu_type type;
    uint32_t n;
    bool ok;

    if (len < PDU_HEAD)
        return bad(err, "a PDU without a head");
    if (!pdu_head(data, data_max, &type, &n, err))
        return false;
    if (n != len - PDU_HEAD)
        return bad(err, "a PDU of another length than it says");
    data += PDU_HEAD;
    switch (type) {
    case PDU_ASSOCIATE_RQ:
    case PDU_ASSOCIATE_AC:
        a = mem_new(sizeof *a);
        ok = pdu_parse_associate(a, type, data, n, err);
        free(a);
        return ok;
    case PDU_ASSOCIATE_RJ:
        return pdu_parse_reject(&rj, data, n, err);
    case PDU_DATA:
        return check_data(data, n, err);
    case PDU_RELEASE_RQ:
    case PDU_RELEASE_RP:
        return pdu_parse_release(data, n, err);
    case PDU_ABORT:
        return pdu_parse_abort(&ab, data, n, err);
    }
    return false;
}

/* ---------------------------------------------------------------- out */

void pdu_out_free(struct pdu_out *o)
{
    free(o->data);
    *o = (struct pdu_out){0};
}

void pdu_put(struct pdu_out *o, const void *data, size_t len)
{
    if (o->len + len > o->cap) {
        o->cap = (o->len + len) * 2;
        o->data = mem_grow(o->data, o->cap);
    }
    if (len)
        memcpy(o->data + o->len, data, len);
    o->len += len;
}

static void put8(struct pdu_out *o, uint8_t v)
{
    pdu_put(o, &v, 1);
}

static void put16(struct pdu_out *o, uint16_t v)
{
    const uint8_t b[] = {(uint8_t)(v >> 8), (uint8_t)v};

    pdu_put(o, b, sizeof b);
}

static void put32(struct pdu_out *o, uint32_t v)
{
    put16(o, (uint16_t)(v >> 16));
    put16(o, (uint16_t)v);
}

static size_t begin_pdu(struct pdu_out *o, enum pdu_type type)
{
    put8(o, (uint8_t)type);
    put8(o, 0);
    put32(o, 0);
    return o->len;
}

static void end_pdu(struct pdu_out *o, size_t from)
{
    size_t n = o->len - from;

    for (unsigned i = 0; i < 4; i++)
        o->data[from - 4 + i] = (uint8_t)(n >> (24 - 8 * i));
}

static size_t begin_item(struct pdu_out *o, uint8_t type)
{
    put8(o, type);
    put8(o, 0);
    put16(o, 0);
    return o->len;
}

static void end_item(struct pdu_out *o, size_t from)
{
    size_t n = o->len - from;

    o->data[from - 2] = (uint8_t)(n >> 8);
    o->data[from - 1] = (uint8_t)n;
}

static void put_item(struct pdu_out *o, uint8_t type, struct pdu_text t)
{
    size_t from = begin_item(o, type);

    pdu_put(o, t.at, t.len);
    end_item(o, from);
}

static void put_title(struct pdu_out *o, const char *title)
{
    char padded[PDU_AE];
    size_t n = strnlen(title, PDU_AE);

    memset(padded, ' ', sizeof padded);
    memcpy(padded, title, n);
    pdu_put(o, padded, sizeof padded);
}

static void put_context(struct pdu_out *o, bool ac, const struct pdu_context *c)
{
    size_t from = begin_item(o, ac ? ITEM_CONTEXT_AC : ITEM_CONTEXT_RQ);

    put8(o, c->id);
    put8(o, 0);
    put8(o, ac ? c->result : 0);
    put8(o, 0);
    if (!ac) {
        put_item(o, ITEM_ABSTRACT, c->abstract);
        for (unsigned i = 0; i < c->n_syntaxes; i++)
            put_item(o, ITEM_SYNTAX, c->syntax[i]);
    } else if (c->n_syntaxes) {
        put_item(o, ITEM_SYNTAX,
                 c->syntax[c->chosen]); /* not significant when rejected, but it must stand there */
    }
    end_item(o, from);
}

static void put_user(struct pdu_out *o, const struct pdu_associate *a)
{
    size_t user = begin_item(o, ITEM_USER), from = begin_item(o, ITEM_MAX_LENGTH);

    put32(o, a->max_length);
    end_item(o, from);
    put_item(o, ITEM_IMPLEMENTATION_UID, a->implementation_uid);
    put_item(o, ITEM_IMPLEMENTATION_VERSION, a->implementation_version);
    end_item(o, user);
}

void pdu_write_associate(struct pdu_out *o, enum pdu_type type, const struct pdu_associate *a)
{
    static const uint8_t reserved[32];
    size_t from = begin_pdu(o, type);

    put16(o, 1);
    put16(o, 0);
    put_title(o, a->called);
    put_title(o, a->calling);
    pdu_put(o, reserved, sizeof reserved);
    put_item(o, ITEM_APPLICATION, a->application);
    for (unsigned i = 0; i < a->n_contexts; i++)
        put_context(o, type == PDU_ASSOCIATE_AC, &a->context[i]);
    put_user(o, a);
    end_pdu(o, from);
}

void pdu_write_reject(struct pdu_out *o, struct pdu_reject r)
{
    const uint8_t body[] = {0, r.result, r.source, r.reason};
    size_t from = begin_pdu(o, PDU_ASSOCIATE_RJ);

    pdu_put(o, body, sizeof body);
    end_pdu(o, from);
}

void pdu_write_abort(struct pdu_out *o, struct pdu_abort a)
{
    const uint8_t body[] = {0, 0, a.source, a.reason};
    size_t from = begin_pdu(o, PDU_ABORT);

    pdu_put(o, body, sizeof body);
    end_pdu(o, from);
}

void pdu_write_release(struct pdu_out *o, enum pdu_type type)
{
    size_t from = begin_pdu(o, type);

    put32(o, 0);
    end_pdu(o, from);
}

void pdu_write_data(struct pdu_out *o, uint8_t context, bool command, const uint8_t *data, size_t len,
                    uint32_t max_length)
{
    size_t room = max_length > 12 ? max_length - 6 : SIZE_MAX, n; /* 6: the fragment's own head */

    do {
        size_t from = begin_pdu(o, PDU_DATA);

        n = len < room ? len : room;
        put32(o, (uint32_t)(n + 2));
        put8(o, context);
        put8(o, (uint8_t)((command ? 1 : 0) | (n == len ? 2 : 0)));
        pdu_put(o, data, n);
        end_pdu(o, from);
        data += n;
        len -= n;
    } while (len);
}
