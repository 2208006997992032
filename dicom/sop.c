#include "dicom/sop.h"
#include <stddef.h>
#include <string.h>

struct name {
    const char *uid, *name;
};

/* clang-format off */
#define X(uid, name) {uid, name},
static const struct name STORAGE[] = {
#include "dicom/sop_storage.inc"
};
#undef X

/* Everything a modality may send and a byte-keeping archive can take. JPIP refers to pixels elsewhere; kept all the same. */
static const char *const STORED[] = {
    "1.2.840.10008.1.2",       /* implicit little endian */
    "1.2.840.10008.1.2.1",     /* explicit little endian */
    "1.2.840.10008.1.2.1.98",  /* encapsulated uncompressed */
    "1.2.840.10008.1.2.1.99",  /* deflated */
    "1.2.840.10008.1.2.2",     /* explicit big endian */
    "1.2.840.10008.1.2.4.50",  "1.2.840.10008.1.2.4.51",  "1.2.840.10008.1.2.4.52",  "1.2.840.10008.1.2.4.53",
    "1.2.840.10008.1.2.4.54",  "1.2.840.10008.1.2.4.55",  "1.2.840.10008.1.2.4.56",  "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.58",  "1.2.840.10008.1.2.4.59",  "1.2.840.10008.1.2.4.60",  "1.2.840.10008.1.2.4.61",
    "1.2.840.10008.1.2.4.62",  "1.2.840.10008.1.2.4.63",  "1.2.840.10008.1.2.4.64",  "1.2.840.10008.1.2.4.65",
    "1.2.840.10008.1.2.4.66",  "1.2.840.10008.1.2.4.70",  /* JPEG */
    "1.2.840.10008.1.2.4.80",  "1.2.840.10008.1.2.4.81",  /* JPEG-LS */
    "1.2.840.10008.1.2.4.90",  "1.2.840.10008.1.2.4.91",  "1.2.840.10008.1.2.4.92",  "1.2.840.10008.1.2.4.93", /* JPEG 2000 */
    "1.2.840.10008.1.2.4.94",  "1.2.840.10008.1.2.4.95",  /* JPIP */
    "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.101", "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.103",
    "1.2.840.10008.1.2.4.104", "1.2.840.10008.1.2.4.105", "1.2.840.10008.1.2.4.106", "1.2.840.10008.1.2.4.107",
    "1.2.840.10008.1.2.4.108", /* MPEG-2, H.264, H.265 */
    "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203", "1.2.840.10008.1.2.4.204",
    "1.2.840.10008.1.2.4.205", /* HTJ2K */
    "1.2.840.10008.1.2.5",     /* RLE */
};

static const struct { const char *uid; enum sop_service service; } OTHERS[] = {
    {SOP_VERIFICATION, SOP_ECHO},
    {SOP_FIND_STUDY,   SOP_FIND},
    {SOP_WORKLIST,     SOP_FIND},
};
/* clang-format on */

const char *sop_storage_name(const char *uid)
{
    for (size_t i = 0; i < sizeof STORAGE / sizeof *STORAGE; i++)
        if (!strcmp(STORAGE[i].uid, uid))
            return STORAGE[i].name;
    return NULL;
}

enum sop_service sop_service_of(const char *uid)
{
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        if (!strcmp(OTHERS[i].uid, uid))
            return OTHERS[i].service;
    return sop_storage_name(uid) ? SOP_STORE : SOP_NONE;
}

bool sop_syntax_stored(const char *uid)
{
    for (size_t i = 0; i < sizeof STORED / sizeof *STORED; i++)
        if (!strcmp(STORED[i], uid))
            return true;
    return false;
}

bool sop_syntax_plain(const char *uid)
{
    return !strcmp(uid, STORED[0]) || !strcmp(uid, STORED[1]);
}

void sop_text(char out[PDU_UID + 1], struct pdu_text t)
{
    size_t n = t.len <= PDU_UID ? t.len : 0;

    memcpy(out, t.at, n);
    out[n] = '\0';
}

void sop_negotiate(struct pdu_context *c)
{
    char uid[PDU_UID + 1];
    enum sop_service service;

    sop_text(uid, c->abstract);
    service = sop_service_of(uid);
    c->result = service == SOP_NONE ? PDU_CONTEXT_ABSTRACT_UNKNOWN : PDU_CONTEXT_SYNTAXES_UNKNOWN;
    for (unsigned i = 0; service != SOP_NONE && i < c->n_syntaxes; i++) {
        sop_text(uid, c->syntax[i]);
        if (service == SOP_STORE ? sop_syntax_stored(uid) : sop_syntax_plain(uid)) {
            c->result = PDU_CONTEXT_ACCEPTED;
            c->chosen = (uint8_t)i;
            return;
        }
    }
}
