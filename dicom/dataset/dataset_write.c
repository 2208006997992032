/* dataset_write.c - see dataset_write.h. */
#include "dicom/dataset/dataset_write.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"

#define DEPTH_MAX 8

struct dataset_out {
    uint8_t *p;
    size_t len, cap;
    bool implicit, big;
    enum charset_id charset;
    uint32_t last_tag[DEPTH_MAX + 1];
    int depth;
};

static void put(struct dataset_out *o, const void *p, size_t n)
{
    if (o->len + n > o->cap)
        o->p = mem_grow(o->p, o->cap = (o->len + n) * 2);
    if (n)
        memcpy(o->p + o->len, p, n);
    o->len += n;
}

static void put_number(struct dataset_out *o, uint64_t v, unsigned bytes)
{
    uint8_t b[8];

    for (unsigned i = 0; i < bytes; i++)
        b[o->big ? bytes - 1 - i : i] = (uint8_t)(v >> 8 * i);
    put(o, b, bytes);
}

static void put_tag(struct dataset_out *o, uint32_t tag)
{
    put_number(o, tag >> 16, 2);
    put_number(o, tag & 0xFFFF, 2);
}

static void put_head(struct dataset_out *o, uint32_t tag, uint16_t vr, uint32_t length)
{
    if (o->last_tag[o->depth] && tag <= o->last_tag[o->depth])
        abort(); /* ours: see the header */
    o->last_tag[o->depth] = tag;
    put_tag(o, tag);
    if (!o->implicit) {
        put(o, (uint8_t[]){(uint8_t)(vr >> 8), (uint8_t)vr}, 2);
        if (dicom_vr_is_long(vr))
            put_number(o, 0, 2);
    }
    put_number(o, length, o->implicit || dicom_vr_is_long(vr) ? 4 : 2);
}

struct dataset_out *dataset_out_new(const char *syntax)
{
    struct dataset_out *o = mem_new(sizeof *o);

    o->implicit = strcmp(syntax, SYNTAX_IMPLICIT_LITTLE) == 0;
    o->big = strcmp(syntax, SYNTAX_EXPLICIT_BIG) == 0;
    o->charset = CHARSET_UTF8;
    return o;
}

void dataset_out_free(struct dataset_out *o)
{
    if (o)
        free(o->p);
    free(o);
}

void dataset_out_bytes(struct dataset_out *o, uint32_t tag, uint16_t vr, const uint8_t *value, size_t len)
{
    static const uint8_t SPACE = ' ', ZERO = 0;
    size_t max = o->implicit || dicom_vr_is_long(vr) ? 0xFFFFFFFE : 0xFFFE;

    if (len > max)
        len = max;
    put_head(o, tag, vr, (uint32_t)(len + (len & 1)));
    put(o, value, len);
    if (len & 1)
        put(o, vr != VR_UI && dicom_vr_is_string(vr) ? &SPACE : &ZERO, 1);
}

void dataset_out_charset(struct dataset_out *o, enum charset_id set)
{
    const char *label = charset_label(set);

    o->charset = set;
    dataset_out_bytes(o, TAG_SpecificCharacterSet, VR_CS, (const uint8_t *)label, strlen(label));
}

void dataset_out_text(struct dataset_out *o, uint32_t tag, const char *utf8)
{
    uint16_t vr = dictionary_vr(tag);
    enum charset_id set = dicom_vr_is_text(vr) ? o->charset : CHARSET_ASCII;
    size_t len;
    char *bytes = charset_encode(set, vr, utf8 ? utf8 : "", &len, NULL);

    dataset_out_bytes(o, tag, vr, (const uint8_t *)bytes, len);
    free(bytes);
}

void dataset_out_uid(struct dataset_out *o, uint32_t tag, const char *uid)
{
    dataset_out_bytes(o, tag, VR_UI, (const uint8_t *)uid, strlen(uid));
}

void dataset_out_int(struct dataset_out *o, uint32_t tag, int64_t value)
{
    uint16_t vr = dictionary_vr(tag);
    char text[24];

    if (vr == VR_XS)
        vr = VR_US;
    if (dicom_vr_is_string(vr)) {
        snprintf(text, sizeof text, "%lld", (long long)value);
        dataset_out_bytes(o, tag, vr, (const uint8_t *)text, strlen(text));
        return;
    }
    put_head(o, tag, vr, dicom_vr_unit(vr));
    put_number(o, (uint64_t)value, dicom_vr_unit(vr));
}

void dataset_out_sequence(struct dataset_out *o, uint32_t tag)
{
    put_head(o, tag, VR_SQ, 0xFFFFFFFF);
}

static void put_delimiter(struct dataset_out *o, uint32_t tag, uint32_t length)
{
    put_tag(o, tag);
    put_number(o, length, 4);
}

void dataset_out_item(struct dataset_out *o)
{
    if (o->depth == DEPTH_MAX)
        abort();
    put_delimiter(o, TAG_Item, 0xFFFFFFFF);
    o->last_tag[++o->depth] = 0;
}

void dataset_out_item_end(struct dataset_out *o)
{
    if (o->depth-- == 0)
        abort();
    put_delimiter(o, TAG_ItemDelimitationItem, 0);
}

void dataset_out_sequence_end(struct dataset_out *o)
{
    put_delimiter(o, TAG_SequenceDelimitationItem, 0);
}

uint8_t *dataset_out_done(struct dataset_out *o, size_t *len)
{
    uint8_t *bytes;

    put(o, "", 0);
    bytes = o->p ? o->p : mem_new(1);
    *len = o->len;
    free(o);
    return bytes;
}

/* The group length in front, as UL. */
static uint8_t *with_length(struct dataset_out *o, uint32_t tag, const char *syntax, size_t *len)
{
    struct dataset_out *whole = dataset_out_new(syntax);

    dataset_out_int(whole, tag, (int64_t)o->len);
    put(whole, o->p, o->len);
    dataset_out_free(o);
    return dataset_out_done(whole, len);
}

uint8_t *dataset_out_command(struct dataset_out *o, size_t *len)
{
    return with_length(o, TAG_CommandGroupLength, SYNTAX_IMPLICIT_LITTLE, len);
}

/* PS3.10 7.1. */
uint8_t *dataset_meta_write(const char *sop_class, const char *sop_instance, const char *syntax,
                            const char *source_ae, size_t *len)
{
    struct dataset_out *o = dataset_out_new(SYNTAX_EXPLICIT_LITTLE),
                       *file = dataset_out_new(SYNTAX_EXPLICIT_LITTLE);
    uint8_t preamble[128] = {0}, *group;
    size_t n;

    dataset_out_bytes(o, TAG_FileMetaInformationVersion, VR_OB, (const uint8_t[]){0, 1}, 2);
    dataset_out_uid(o, TAG_MediaStorageSOPClassUID, sop_class);
    dataset_out_uid(o, TAG_MediaStorageSOPInstanceUID, sop_instance);
    dataset_out_uid(o, TAG_TransferSyntaxUID, syntax);
    dataset_out_uid(o, TAG_ImplementationClassUID, DICOM_IMPLEMENTATION_UID);
    dataset_out_text(o, TAG_ImplementationVersionName, DICOM_IMPLEMENTATION_NAME);
    if (source_ae && *source_ae)
        dataset_out_text(o, TAG_SourceApplicationEntityTitle, source_ae);
    group = with_length(o, TAG_FileMetaInformationGroupLength, SYNTAX_EXPLICIT_LITTLE, &n);
    put(file, preamble, sizeof preamble);
    put(file, "DICM", 4);
    put(file, group, n);
    free(group);
    return dataset_out_done(file, len);
}
