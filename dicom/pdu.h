/* pdu.h - the seven protocol data units of the DICOM upper layer (PS3.8 section 9.3), taken apart and put together.
 *
 * Owns    nothing: what a parser gives points into the bytes it was given.
 * Runs on any thread; pure. All numbers on this layer are big endian.
 * Errors  ERR_INVALID with the reason word that goes to the log; which reason goes to the peer is the state machine's.
 */
#pragma once
#include <stdint.h>
#include "core/err.h"

#define PDU_HEAD          6            /* type, reserved, u32 length of what follows */
#define PDU_AE            16           /* characters of an AE title */
#define PDU_UID           64           /* characters of a UID */
#define PDU_CONTEXTS_MAX  128          /* odd ids 1 .. 255 */
#define PDU_SYNTAXES_MAX  64           /* per context; more are read over */
#define PDU_ASSOCIATE_MAX (256 * 1024) /* a full house of contexts and syntaxes is half of it */
#define PDU_MAX_OFFERED   (128 * 1024) /* largest P-DATA-TF body we say we take */

enum pdu_type {
    PDU_ASSOCIATE_RQ = 1,
    PDU_ASSOCIATE_AC,
    PDU_ASSOCIATE_RJ,
    PDU_DATA,
    PDU_RELEASE_RQ,
    PDU_RELEASE_RP,
    PDU_ABORT,
};

struct pdu_text { /* lent, not ended by NUL; padding is cut off */
    const char *at;
    size_t len;
};

struct pdu_context {
    uint8_t id;
    struct pdu_text abstract;
    struct pdu_text syntax[PDU_SYNTAXES_MAX];
    unsigned n_syntaxes;
    uint8_t result; /* of an AC; set by who answers */
    uint8_t chosen; /* index into syntax */
};

/* The fields of A-ASSOCIATE-RQ and -AC. */
struct pdu_associate {
    uint16_t version;
    char called[PDU_AE + 1], calling[PDU_AE + 1];
    struct pdu_text application;
    struct pdu_context context[PDU_CONTEXTS_MAX];
    unsigned n_contexts;
    uint32_t max_length; /* of P-DATA-TF bodies the sender takes; 0: any */
    struct pdu_text implementation_uid, implementation_version;
};

/* PS3.8 section 9.3.2.2: results of one presentation context. */
enum pdu_context_result {
    PDU_CONTEXT_ACCEPTED = 0,
    PDU_CONTEXT_USER_REJECTION = 1,
    PDU_CONTEXT_NO_REASON = 2,
    PDU_CONTEXT_ABSTRACT_UNKNOWN = 3,
    PDU_CONTEXT_SYNTAXES_UNKNOWN = 4,
};

/* PS3.8 section 9.3.4: A-ASSOCIATE-RJ. */
struct pdu_reject {
    uint8_t result; /* 1 permanent, 2 transient */
    uint8_t source; /* 1 user, 2 provider (ACSE), 3 provider (presentation) */
    uint8_t reason;
};
/* PS3.8 section 9.3.8. */
struct pdu_abort {
    uint8_t source; /* 0 user, 2 provider */
    uint8_t reason;
};
enum pdu_abort_reason {
    PDU_ABORT_NO_REASON = 0,
    PDU_ABORT_UNRECOGNISED = 1,
    PDU_ABORT_UNEXPECTED = 2,
    PDU_ABORT_BAD_PARAMETER = 6,
};

struct pdu_pdv { /* one fragment of a message */
    uint8_t context;
    bool command, last;
    const uint8_t *data;
    size_t len;
};

/** Read type and length of what begins at data; needs PDU_HEAD bytes. ERR_INVALID "pdu_unknown" (type), "pdu_too_long"
 * (longer than this type may be; data_max is the limit for P-DATA-TF). */
bool pdu_head(const uint8_t data[PDU_HEAD], uint32_t data_max, enum pdu_type *type, uint32_t *len,
              struct err *err);

/* Bodies: data begins behind the head. */
bool pdu_parse_associate(struct pdu_associate *out, enum pdu_type type, const uint8_t *body, size_t len,
                         struct err *err);
bool pdu_parse_reject(struct pdu_reject *out, const uint8_t *body, size_t len, struct err *err);
bool pdu_parse_abort(struct pdu_abort *out, const uint8_t *body, size_t len, struct err *err);
bool pdu_parse_release(const uint8_t *body, size_t len, struct err *err);
/** The fragment at *at, which moves behind it. false without err: there is none left. */
bool pdu_next_pdv(struct pdu_pdv *out, const uint8_t *body, size_t len, size_t *at, struct err *err);
/** Any whole PDU from its head on, as the fuzzer and the tests want it. */
bool pdu_check(const uint8_t *data, size_t len, uint32_t data_max, struct err *err);

/* Writers append to a growing buffer. */
struct pdu_out {
    uint8_t *data;
    size_t len, cap;
};
void pdu_out_free(struct pdu_out *o);
void pdu_put(struct pdu_out *o, const void *data, size_t len);
/** RQ and AC; an AC takes result and chosen of each context. */
void pdu_write_associate(struct pdu_out *o, enum pdu_type type, const struct pdu_associate *a);
void pdu_write_reject(struct pdu_out *o, struct pdu_reject r);
void pdu_write_abort(struct pdu_out *o, struct pdu_abort a);
void pdu_write_release(struct pdu_out *o, enum pdu_type type);
/** One message (command set or data set) as as many P-DATA-TF as max_length of the receiver asks for (0: one). */
void pdu_write_data(struct pdu_out *o, uint8_t context, bool command, const uint8_t *data, size_t len,
                    uint32_t max_length);
