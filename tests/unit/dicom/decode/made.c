#include "tests/unit/dicom/decode/made.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"
#include "dicom/dataset/dictionary.h"

static void append(struct made *m, const void *data, size_t len)
{
    m->bytes = mem_grow(m->bytes, m->len + len + 1);
    if (len)
        memcpy(m->bytes + m->len, data, len);
    m->len += len;
}

static void append_le(struct made *m, uint32_t v, unsigned bytes)
{
    for (; bytes > 0; bytes--, v >>= 8)
        append(m, &(uint8_t){(uint8_t)v}, 1);
}

static bool has_long_length(const char *vr)
{
    return strstr("OB OW OF OD OL OV SQ UN UT UC UR", vr) != NULL;
}

static void head(struct made *m, uint32_t tag, const char *vr, uint32_t len)
{
    append_le(m, tag >> 16, 2);
    append_le(m, tag & 0xFFFF, 2);
    append(m, vr, 2);
    if (has_long_length(vr))
        append_le(m, 0, 2);
    append_le(m, len, has_long_length(vr) ? 4 : 2);
}

void made_put(struct made *m, uint32_t tag, const char *vr, const void *value, size_t len)
{
    head(m, tag, vr, (uint32_t)(len + len % 2));
    append(m, value, len);
    if (len % 2)
        append(m, strcmp(vr, "UI") == 0 || has_long_length(vr) ? "\0" : " ", 1);
}

void made_text(struct made *m, uint32_t tag, const char *vr, const char *text)
{
    made_put(m, tag, vr, text, strlen(text));
}

void made_us(struct made *m, uint32_t tag, uint16_t v)
{
    uint8_t le[2] = {(uint8_t)v, (uint8_t)(v >> 8)};

    made_put(m, tag, "US", le, 2);
}

void made_begin(struct made *m, const char *syntax)
{
    struct made meta = {0};
    static const uint8_t PREAMBLE[128] = {0};

    *m = (struct made){0};
    made_put(&meta, TAG_FileMetaInformationVersion, "OB", "\0\1", 2);
    made_text(&meta, TAG_MediaStorageSOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.7");
    made_text(&meta, TAG_MediaStorageSOPInstanceUID, "UI", "1.2.3.4");
    made_text(&meta, TAG_TransferSyntaxUID, "UI", syntax);
    append(m, PREAMBLE, sizeof PREAMBLE);
    append(m, "DICM", 4);
    head(m, TAG_FileMetaInformationGroupLength, "UL", 4);
    append_le(m, (uint32_t)meta.len, 4);
    append(m, meta.bytes, meta.len);
    made_free(&meta);
    made_text(m, TAG_SOPClassUID, "UI", "1.2.840.10008.5.1.4.1.1.7");
    made_text(m, TAG_SOPInstanceUID, "UI", "1.2.3.4");
}

void made_image(struct made *m, const struct made_image *i)
{
    char frames[8];

    made_us(m, TAG_SamplesPerPixel, i->samples);
    made_text(m, TAG_PhotometricInterpretation, "CS", i->photometric);
    if (i->samples > 1)
        made_us(m, TAG_PlanarConfiguration, i->planar);
    if (i->frames > 1) {
        snprintf(frames, sizeof frames, "%u", i->frames);
        made_text(m, TAG_NumberOfFrames, "IS", frames);
    }
    made_us(m, TAG_Rows, i->rows);
    made_us(m, TAG_Columns, i->columns);
    made_us(m, TAG_BitsAllocated, i->allocated);
    made_us(m, TAG_BitsStored, i->stored);
    made_us(m, TAG_HighBit, (uint16_t)(i->stored - 1));
    made_us(m, TAG_PixelRepresentation, i->is_signed);
}

void made_native(struct made *m, const char *vr, const void *values, size_t len)
{
    made_put(m, TAG_PixelData, vr, values, len);
}

static void item(struct made *m, uint32_t tag, const uint8_t *bytes, size_t len)
{
    append_le(m, tag >> 16, 2);
    append_le(m, tag & 0xFFFF, 2);
    append_le(m, (uint32_t)(len + len % 2), 4);
    append(m, bytes, len);
    append(m, "\0", len % 2);
}

void made_fragments(struct made *m, const uint8_t *const *streams, const size_t *lens, size_t n)
{
    head(m, TAG_PixelData, "OB", UINT32_MAX);
    item(m, TAG_Item, NULL, 0);
    for (size_t i = 0; i < n; i++)
        item(m, TAG_Item, streams[i], lens[i]);
    item(m, TAG_SequenceDelimitationItem, NULL, 0);
}

void made_free(struct made *m)
{
    free(m->bytes);
    *m = (struct made){0};
}
