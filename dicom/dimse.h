/* dimse.h - command sets of messages (PS3.7 section 6.3, annex E): what is asked and what is answered.
 *
 * Owns    nothing; a parsed command holds copies of the few short strings in it.
 * Runs on any thread; pure. A command set is always implicit VR little endian, whatever was negotiated.
 */
#pragma once
#include <stdint.h>
#include "dicom/pdu.h"

#define DIMSE_COMMAND_MAX (16 * 1024) /* a real one has under 500 bytes */
#define DIMSE_COMMENT_MAX 64          /* (0000,0902) is an LO */

enum dimse_field {
    DIMSE_C_STORE_RQ = 0x0001,
    DIMSE_C_STORE_RSP = 0x8001,
    DIMSE_C_FIND_RQ = 0x0020,
    DIMSE_C_FIND_RSP = 0x8020,
    DIMSE_C_ECHO_RQ = 0x0030,
    DIMSE_C_ECHO_RSP = 0x8030,
    DIMSE_C_CANCEL_RQ = 0x0FFF,
    DIMSE_RESPONSE = 0x8000, /* the bit that makes a request's number a response's */
};

/* PS3.7 annex C, PS3.4 tables B.2-1, C.4-1 and K.4-1. */
enum dimse_status {
    DIMSE_SUCCESS = 0x0000,
    DIMSE_CLASS_NOT_SUPPORTED = 0x0122,
    DIMSE_NOT_AUTHORISED = 0x0124,
    DIMSE_DUPLICATE_INSTANCE = 0x0111,
    DIMSE_INVALID_ARGUMENT = 0x0115,
    DIMSE_UNRECOGNISED = 0x0211,
    DIMSE_MISTYPED = 0x0212,
    DIMSE_OUT_OF_RESOURCES = 0xA700,
    DIMSE_WRONG_CLASS =
        0xA900, /* data set does not match SOP class or instance; identifier does not (C-FIND) */
    DIMSE_NOT_UNDERSTOOD = 0xC000,
    DIMSE_CANCELLED = 0xFE00,
    DIMSE_PENDING = 0xFF00,
};

struct dimse_command {
    uint16_t field, message_id, answers_id; /* 0: absent */
    uint16_t priority, data_set_type, status;
    char sop_class[PDU_UID + 1], sop_instance[PDU_UID + 1];
    char comment[DIMSE_COMMENT_MAX + 1];
    bool has_data;
};

/** ERR_INVALID "command_malformed": not a command set, or without a command field. */
bool dimse_parse(struct dimse_command *out, const uint8_t *data, size_t len, struct err *err);
/** Append the command set of c (a response when its field says so) to o. */
void dimse_write(struct pdu_out *o, const struct dimse_command *c);
/** The response to rq with this status; comment may be NULL and is cut to 64 characters of plain ASCII. */
struct dimse_command dimse_response(const struct dimse_command *rq, uint16_t status, const char *comment);
