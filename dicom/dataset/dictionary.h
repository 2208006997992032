/* dictionary.h - what the standard says about a tag: its VR and its keyword (PS3.6).
 *
 * Owns    nothing; tables made at compile time. Any thread.
 * Tags    TAG_PatientID and so on, group in the upper half: the standard's own keywords.
 * VRs     two letters in one number, so that VR_PACK('P', 'N') and the bytes of an explicit VR meet.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum dicom_tag {
#define X(group, element, vr, keyword) TAG_##keyword = 0x##group##element,
#include "dicom/dataset/dictionary.inc"
#undef X
};
#define TAG_Item                     0xFFFEE000u
#define TAG_ItemDelimitationItem     0xFFFEE00Du
#define TAG_SequenceDelimitationItem 0xFFFEE0DDu

#define VR_PACK(a, b) ((uint16_t)((a) << 8 | (b)))
enum dicom_vr {
    VR_AE = 0x4145,
    VR_AS = 0x4153,
    VR_AT = 0x4154,
    VR_CS = 0x4353,
    VR_DA = 0x4441,
    VR_DS = 0x4453,
    VR_DT = 0x4454,
    VR_FD = 0x4644,
    VR_FL = 0x464C,
    VR_IS = 0x4953,
    VR_LO = 0x4C4F,
    VR_LT = 0x4C54,
    VR_OB = 0x4F42,
    VR_OD = 0x4F44,
    VR_OF = 0x4F46,
    VR_OL = 0x4F4C,
    VR_OV = 0x4F56,
    VR_OW = 0x4F57,
    VR_PN = 0x504E,
    VR_SH = 0x5348,
    VR_SL = 0x534C,
    VR_SQ = 0x5351,
    VR_SS = 0x5353,
    VR_ST = 0x5354,
    VR_SV = 0x5356,
    VR_TM = 0x544D,
    VR_UC = 0x5543,
    VR_UI = 0x5549,
    VR_UL = 0x554C,
    VR_UN = 0x554E,
    VR_UR = 0x5552,
    VR_US = 0x5553,
    VR_UT = 0x5554,
    VR_UV = 0x5556,
    VR_XS = 0x5853, /* US or SS */
    VR_OX = 0x4F58, /* OB or OW */
};

struct dictionary_entry {
    uint32_t tag;
    uint16_t vr; /* may be VR_XS or VR_OX */
    const char *keyword;
};

/** The standard's entry, or NULL: private, retired without a name, unknown. Group length has none. */
const struct dictionary_entry *dictionary_find(uint32_t tag);
/** By keyword ("PatientName") or by eight hex digits ("00100010"), as DICOMweb names attributes (PS3.18 8.3.4.1). */
bool dictionary_tag_of(const char *name, uint32_t *tag);
/** VR of a tag in implicit VR, VR_UN for what nobody knows; group lengths are UL, private creators LO. */
uint16_t dictionary_vr(uint32_t tag);

/** Is it one of the standard's VRs? */
bool dicom_vr_known(uint16_t vr);
/** Text that Specific Character Set applies to: LO LT PN SH ST UC UT (PS3.5 6.1.2.3). */
bool dicom_vr_is_text(uint16_t vr);
/** Any text, including CS, DA, UI and their like. */
bool dicom_vr_is_string(uint16_t vr);
/** Does explicit VR carry a 32 bit length (PS3.5 7.1.2)? */
bool dicom_vr_is_long(uint16_t vr);
/** Bytes of one value of a binary VR, 0 for text, sequences and UN. */
unsigned dicom_vr_unit(uint16_t vr);
