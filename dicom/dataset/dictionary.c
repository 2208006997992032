/* dictionary.c - see dictionary.h. */
#include "dicom/dataset/dictionary.h"
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct dictionary_entry ENTRIES[] = {
#define X(group, element, vr, keyword) {0x##group##element, VR_##vr, #keyword},
#include "dicom/dataset/dictionary.inc"
#undef X
};
#define N_ENTRIES (sizeof ENTRIES / sizeof *ENTRIES)

/* Repeating groups 50xx and 60xx (PS3.5 7.6), tags with the group's low byte cleared. */
static const struct dictionary_entry REPEATING[] = {
    {0x50000005, VR_US, "CurveDimensions"},
    {0x50000010, VR_US, "NumberOfPoints"},
    {0x50000020, VR_CS, "TypeOfData"},
    {0x50000022, VR_LO, "CurveDescription"},
    {0x50000030, VR_SH, "AxisUnits"},
    {0x50000040, VR_SH, "AxisLabels"},
    {0x50000103, VR_US, "DataValueRepresentation"},
    {0x50003000, VR_OX, "CurveData"},
    {0x60000010, VR_US, "OverlayRows"},
    {0x60000011, VR_US, "OverlayColumns"},
    {0x60000012, VR_US, "OverlayPlanes"},
    {0x60000015, VR_IS, "NumberOfFramesInOverlay"},
    {0x60000022, VR_LO, "OverlayDescription"},
    {0x60000040, VR_CS, "OverlayType"},
    {0x60000045, VR_LO, "OverlaySubtype"},
    {0x60000050, VR_SS, "OverlayOrigin"},
    {0x60000051, VR_US, "ImageFrameOrigin"},
    {0x60000052, VR_US, "OverlayPlaneOrigin"},
    {0x60000100, VR_US, "OverlayBitsAllocated"},
    {0x60000102, VR_US, "OverlayBitPosition"},
    {0x60000110, VR_CS, "OverlayFormat"},
    {0x60000200, VR_US, "OverlayLocation"},
    {0x60001001, VR_CS, "OverlayActivationLayer"},
    {0x60001100, VR_US, "OverlayDescriptorGray"},
    {0x60001301, VR_IS, "ROIArea"},
    {0x60001302, VR_DS, "ROIMean"},
    {0x60001303, VR_DS, "ROIStandardDeviation"},
    {0x60001500, VR_LO, "OverlayLabel"},
    {0x60003000, VR_OX, "OverlayData"},
};

static int by_tag(const void *key, const void *entry)
{
    uint32_t a = *(const uint32_t *)key, b = ((const struct dictionary_entry *)entry)->tag;

    return a < b ? -1 : a > b;
}

const struct dictionary_entry *dictionary_find(uint32_t tag)
{
    uint32_t group = tag >> 16, base = tag & 0xFF00FFFFu;

    if ((group & 0xFF00) == 0x5000 || (group & 0xFF00) == 0x6000) {
        for (size_t i = 0; i < sizeof REPEATING / sizeof *REPEATING; i++)
            if (REPEATING[i].tag == base && (group & 1) == 0)
                return &REPEATING[i];
        return NULL;
    }
    return bsearch(&tag, ENTRIES, N_ENTRIES, sizeof *ENTRIES, by_tag);
}

static bool hex_tag(const char *name, uint32_t *tag)
{
    uint32_t v = 0;

    for (int i = 0; i < 8; i++) {
        char c = name[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                           : -1;
        if (digit < 0)
            return false;
        v = v << 4 | (uint32_t)digit;
    }
    *tag = v;
    return name[8] == '\0';
}

bool dictionary_tag_of(const char *name, uint32_t *tag)
{
    if (hex_tag(name, tag))
        return true;
    for (size_t i = 0; i < N_ENTRIES; i++) {
        if (strcmp(ENTRIES[i].keyword, name) == 0) {
            *tag = ENTRIES[i].tag;
            return true;
        }
    }
    return false;
}

uint16_t dictionary_vr(uint32_t tag)
{
    const struct dictionary_entry *e = dictionary_find(tag);
    uint32_t group = tag >> 16, element = tag & 0xFFFF;

    if (e)
        return e->vr;
    if (element == 0)
        return VR_UL; /* PS3.5 7.2: group length */
    if ((group & 1) && element >= 0x10 && element <= 0xFF)
        return VR_LO; /* PS3.5 7.8.1: private creator */
    return VR_UN;
}

/* What each VR is: text under the character set (t), other text (s), a 32 bit length (l), bytes of one value. */
static const struct vr_fact {
    uint16_t vr;
    bool text, string, wide;
    uint8_t unit;
} VRS[] = {
    {VR_AE, false, true, false, 0}, {VR_AS, false, true, false, 0},  {VR_AT, false, false, false, 2},
    {VR_CS, false, true, false, 0}, {VR_DA, false, true, false, 0},  {VR_DS, false, true, false, 0},
    {VR_DT, false, true, false, 0}, {VR_FD, false, false, false, 8}, {VR_FL, false, false, false, 4},
    {VR_IS, false, true, false, 0}, {VR_LO, true, true, false, 0},   {VR_LT, true, true, false, 0},
    {VR_OB, false, false, true, 1}, {VR_OD, false, false, true, 8},  {VR_OF, false, false, true, 4},
    {VR_OL, false, false, true, 4}, {VR_OV, false, false, true, 8},  {VR_OW, false, false, true, 2},
    {VR_PN, true, true, false, 0},  {VR_SH, true, true, false, 0},   {VR_SL, false, false, false, 4},
    {VR_SQ, false, false, true, 0}, {VR_SS, false, false, false, 2}, {VR_ST, true, true, false, 0},
    {VR_SV, false, false, true, 8}, {VR_TM, false, true, false, 0},  {VR_UC, true, true, true, 0},
    {VR_UI, false, true, false, 0}, {VR_UL, false, false, false, 4}, {VR_UN, false, false, true, 0},
    {VR_UR, false, true, true, 0},  {VR_US, false, false, false, 2}, {VR_UT, true, true, true, 0},
    {VR_UV, false, false, true, 8},
};

static const struct vr_fact *fact(uint16_t vr)
{
    for (size_t i = 0; i < sizeof VRS / sizeof *VRS; i++)
        if (VRS[i].vr == vr)
            return &VRS[i];
    return NULL;
}

bool dicom_vr_known(uint16_t vr)
{
    return fact(vr) != NULL;
}

bool dicom_vr_is_text(uint16_t vr)
{
    const struct vr_fact *f = fact(vr);

    return f && f->text;
}

bool dicom_vr_is_string(uint16_t vr)
{
    const struct vr_fact *f = fact(vr);

    return f && f->string;
}

bool dicom_vr_is_long(uint16_t vr)
{
    const struct vr_fact *f = fact(vr);

    return !f || f->wide;
}

unsigned dicom_vr_unit(uint16_t vr)
{
    const struct vr_fact *f = fact(vr);

    return f ? f->unit : 0;
}
