#include "dicom/dimse.h"
#include <stdio.h>
#include <string.h>

#define NO_DATA_SET 0x0101

enum {
    TAG_GROUP_LENGTH = 0x0000,
    TAG_SOP_CLASS = 0x0002,
    TAG_FIELD = 0x0100,
    TAG_MESSAGE_ID = 0x0110,
    TAG_ANSWERS_ID = 0x0120,
    TAG_PRIORITY = 0x0700,
    TAG_DATA_SET_TYPE = 0x0800,
    TAG_STATUS = 0x0900,
    TAG_COMMENT = 0x0902,
    TAG_SOP_INSTANCE = 0x1000,
};

static bool bad(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "command_malformed", "%s", what);
}

static uint16_t le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static bool take_u16(uint16_t *out, const uint8_t *p, size_t len)
{
    if (len != 2)
        return false;
    *out = le16(p);
    return true;
}

/* A UID is digits and dots; anything else would end up in file meta and rows. */
static bool take_uid(char out[PDU_UID + 1], const uint8_t *p, size_t len)
{
    while (len && (p[len - 1] == '\0' || p[len - 1] == ' '))
        len--;
    if (len > PDU_UID)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((p[i] < '0' || p[i] > '9') && p[i] != '.')
            return false;
    memcpy(out, p, len);
    out[len] = '\0';
    return true;
}

static void take_comment(char out[DIMSE_COMMENT_MAX + 1], const char *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len && n < DIMSE_COMMENT_MAX; i++)
        out[n++] = text[i] >= ' ' && text[i] < 0x7f && text[i] != '\\' ? text[i] : ' ';
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

static bool take(struct dimse_command *c, uint16_t element, const uint8_t *p, size_t len)
{
    switch (element) {
    case TAG_SOP_CLASS:
        return take_uid(c->sop_class, p, len);
    case TAG_SOP_INSTANCE:
        return take_uid(c->sop_instance, p, len);
    case TAG_FIELD:
        return take_u16(&c->field, p, len);
    case TAG_MESSAGE_ID:
        return take_u16(&c->message_id, p, len);
    case TAG_ANSWERS_ID:
        return take_u16(&c->answers_id, p, len);
    case TAG_PRIORITY:
        return take_u16(&c->priority, p, len);
    case TAG_DATA_SET_TYPE:
        return take_u16(&c->data_set_type, p, len);
    case TAG_STATUS:
        return take_u16(&c->status, p, len);
    case TAG_COMMENT:
        take_comment(c->comment, (const char *)p, len);
        return true;
    default:
        return true; /* what we do not act on */
    }
}

bool dimse_parse(struct dimse_command *out, const uint8_t *data, size_t len, struct err *err)
{
    size_t at = 0;

    *out = (struct dimse_command){.data_set_type = NO_DATA_SET};
    while (at < len) {
        uint32_t n;

        if (len - at < 8)
            return bad(err, "an element without a head");
        if (le16(data + at) != 0)
            return bad(err, "an element outside of group 0000");
        n = le32(data + at + 4);
        if (n > len - at - 8)
            return bad(err, "an element longer than the command set");
        if (!take(out, le16(data + at + 2), data + at + 8, n))
            return bad(err, "an element with a value that cannot be");
        at += 8 + n;
    }
    out->has_data = out->data_set_type != NO_DATA_SET;
    return out->field != 0 || bad(err, "no command field");
}

static void put_head(struct pdu_out *o, uint16_t element, uint32_t len)
{
    const uint8_t head[8] = {0,
                             0,
                             (uint8_t)element,
                             (uint8_t)(element >> 8),
                             (uint8_t)len,
                             (uint8_t)(len >> 8),
                             (uint8_t)(len >> 16),
                             (uint8_t)(len >> 24)};

    pdu_put(o, head, sizeof head);
}

static void put_u16(struct pdu_out *o, uint16_t element, uint16_t v)
{
    const uint8_t b[] = {(uint8_t)v, (uint8_t)(v >> 8)};

    put_head(o, element, sizeof b);
    pdu_put(o, b, sizeof b);
}

static void put_text(struct pdu_out *o, uint16_t element, const char *text, char pad)
{
    size_t n = strlen(text);

    if (!n)
        return;
    put_head(o, element, (uint32_t)(n + n % 2));
    pdu_put(o, text, n);
    if (n % 2)
        pdu_put(o, &pad, 1);
}

void dimse_write(struct pdu_out *o, const struct dimse_command *c)
{
    static const uint8_t zero[4];
    size_t length_at, n;

    put_head(o, TAG_GROUP_LENGTH, 4);
    length_at = o->len;
    pdu_put(o, zero, sizeof zero);
    put_text(o, TAG_SOP_CLASS, c->sop_class, '\0');
    put_u16(o, TAG_FIELD, c->field);
    if (c->field & DIMSE_RESPONSE)
        put_u16(o, TAG_ANSWERS_ID, c->answers_id);
    else
        put_u16(o, TAG_MESSAGE_ID, c->message_id);
    if (c->field == DIMSE_C_STORE_RQ || c->field == DIMSE_C_FIND_RQ)
        put_u16(o, TAG_PRIORITY, c->priority);
    put_u16(o, TAG_DATA_SET_TYPE, c->has_data ? 1 : NO_DATA_SET);
    if (c->field & DIMSE_RESPONSE) {
        put_u16(o, TAG_STATUS, c->status);
        put_text(o, TAG_COMMENT, c->comment, ' ');
    }
    put_text(o, TAG_SOP_INSTANCE, c->sop_instance, '\0');
    n = o->len - length_at - 4;
    for (unsigned i = 0; i < 4; i++)
        o->data[length_at + i] = (uint8_t)(n >> (8 * i));
}

struct dimse_command dimse_response(const struct dimse_command *rq, uint16_t status, const char *comment)
{
    struct dimse_command c = {
        .field = rq->field | DIMSE_RESPONSE, .answers_id = rq->message_id, .status = status};

    memcpy(c.sop_class, rq->sop_class, sizeof c.sop_class);
    if (rq->field == DIMSE_C_STORE_RQ)
        memcpy(c.sop_instance, rq->sop_instance, sizeof c.sop_instance);
    if (comment)
        take_comment(c.comment, comment, strlen(comment));
    return c;
}
