#include "dicom/ul_fsm.h"
#include <stddef.h>

#define S1  UL_STA1_IDLE
#define S2  UL_STA2_OPEN
#define S3  UL_STA3_ASKED
#define S6  UL_STA6_READY
#define S8  UL_STA8_RELEASING
#define S13 UL_STA13_CLOSING

/* clang-format off */
/* PS3.8 table 9-10, column by column. */
static const struct ul_edge EDGES[] = {
    {S1, UL_TRANSPORT_OPEN,    UL_AE5, S2,  "somebody connected"},

    {S2, UL_PDU_ASSOCIATE_AC,  UL_AA1, S13, "an answer nobody asked for"},
    {S2, UL_PDU_ASSOCIATE_RJ,  UL_AA1, S13, "an answer nobody asked for"},
    {S2, UL_PDU_ASSOCIATE_RQ,  UL_AE6, S3,  "asks for an association"},
    {S2, UL_PDU_DATA,          UL_AA1, S13, "data before an association"},
    {S2, UL_PDU_RELEASE_RQ,    UL_AA1, S13, "release before an association"},
    {S2, UL_PDU_RELEASE_RP,    UL_AA1, S13, "release before an association"},
    {S2, UL_PDU_ABORT,         UL_AA2, S1,  "gave up"},
    {S2, UL_TRANSPORT_CLOSED,  UL_AA5, S1,  "hung up"},
    {S2, UL_ARTIM,             UL_AA2, S1,  "asked for nothing in time"},
    {S2, UL_PDU_INVALID,       UL_AA1, S13, "not a PDU"},

    {S3, UL_PDU_ASSOCIATE_AC,  UL_AA8, S13, "unexpected PDU"},
    {S3, UL_PDU_ASSOCIATE_RJ,  UL_AA8, S13, "unexpected PDU"},
    {S3, UL_PDU_ASSOCIATE_RQ,  UL_AA8, S13, "asks twice"},
    {S3, UL_ACCEPT,            UL_AE7, S6,  "accepted"},
    {S3, UL_REJECT,            UL_AE8, S13, "rejected"},
    {S3, UL_PDU_DATA,          UL_AA8, S13, "data before the answer"},
    {S3, UL_PDU_RELEASE_RQ,    UL_AA8, S13, "release before the answer"},
    {S3, UL_PDU_RELEASE_RP,    UL_AA8, S13, "unexpected PDU"},
    {S3, UL_ABORT,             UL_AA1, S13, "we give up"},
    {S3, UL_PDU_ABORT,         UL_AA3, S1,  "gave up"},
    {S3, UL_TRANSPORT_CLOSED,  UL_AA4, S1,  "hung up"},
    {S3, UL_PDU_INVALID,       UL_AA8, S13, "not a PDU"},

    {S6, UL_PDU_ASSOCIATE_AC,  UL_AA8, S13, "unexpected PDU"},
    {S6, UL_PDU_ASSOCIATE_RJ,  UL_AA8, S13, "unexpected PDU"},
    {S6, UL_PDU_ASSOCIATE_RQ,  UL_AA8, S13, "asks twice"},
    {S6, UL_SEND,              UL_DT1, S6,  "we send"},
    {S6, UL_PDU_DATA,          UL_DT2, S6,  "sends"},
    {S6, UL_PDU_RELEASE_RQ,    UL_AR2, S8,  "has finished"},
    {S6, UL_PDU_RELEASE_RP,    UL_AA8, S13, "unexpected PDU"},
    {S6, UL_ABORT,             UL_AA1, S13, "we give up"},
    {S6, UL_PDU_ABORT,         UL_AA3, S1,  "gave up"},
    {S6, UL_TRANSPORT_CLOSED,  UL_AA4, S1,  "hung up"},
    {S6, UL_PDU_INVALID,       UL_AA8, S13, "not a PDU"},

    {S8, UL_PDU_ASSOCIATE_AC,  UL_AA8, S13, "unexpected PDU"},
    {S8, UL_PDU_ASSOCIATE_RJ,  UL_AA8, S13, "unexpected PDU"},
    {S8, UL_PDU_ASSOCIATE_RQ,  UL_AA8, S13, "unexpected PDU"},
    {S8, UL_SEND,              UL_AR7, S8,  "the last answers"},
    {S8, UL_PDU_DATA,          UL_AA8, S13, "data after release"},
    {S8, UL_PDU_RELEASE_RQ,    UL_AA8, S13, "asks for release twice"},
    {S8, UL_PDU_RELEASE_RP,    UL_AA8, S13, "unexpected PDU"},
    {S8, UL_RELEASE,           UL_AR4, S13, "released"},
    {S8, UL_ABORT,             UL_AA1, S13, "we give up"},
    {S8, UL_PDU_ABORT,         UL_AA3, S1,  "gave up"},
    {S8, UL_TRANSPORT_CLOSED,  UL_AA4, S1,  "hung up"},
    {S8, UL_PDU_INVALID,       UL_AA8, S13, "not a PDU"},

    {S13, UL_PDU_ASSOCIATE_AC, UL_AA6, S13, "too late"},
    {S13, UL_PDU_ASSOCIATE_RJ, UL_AA6, S13, "too late"},
    {S13, UL_PDU_ASSOCIATE_RQ, UL_AA7, S13, "too late"},
    {S13, UL_PDU_DATA,         UL_AA6, S13, "too late"},
    {S13, UL_PDU_RELEASE_RQ,   UL_AA6, S13, "too late"},
    {S13, UL_PDU_RELEASE_RP,   UL_AA6, S13, "too late"},
    {S13, UL_PDU_ABORT,        UL_AA2, S1,  "gave up"},
    {S13, UL_TRANSPORT_CLOSED, UL_AR5, S1,  "hung up"},
    {S13, UL_ARTIM,            UL_AA2, S1,  "does not hang up"},
    {S13, UL_PDU_INVALID,      UL_AA7, S13, "not a PDU"},
};

static const char *const EVENT_NAMES[UL_EVENTS] = {
    "connection", "A-ASSOCIATE-AC", "A-ASSOCIATE-RJ", "A-ASSOCIATE-RQ", "accept", "reject", "send", "P-DATA-TF",
    "A-RELEASE-RQ", "A-RELEASE-RP", "release", "abort", "A-ABORT", "closed", "ARTIM", "invalid PDU"};
/* clang-format on */

const struct ul_edge *ul_edge(enum ul_state from, enum ul_event on)
{
    for (size_t i = 0; i < sizeof EDGES / sizeof *EDGES; i++)
        if (EDGES[i].from == from && EDGES[i].on == on)
            return &EDGES[i];
    return NULL;
}

const char *ul_state_name(enum ul_state s)
{
    switch (s) {
    case UL_STA1_IDLE:
        return "Sta1_idle";
    case UL_STA2_OPEN:
        return "Sta2_open";
    case UL_STA3_ASKED:
        return "Sta3_asked";
    case UL_STA6_READY:
        return "Sta6_ready";
    case UL_STA8_RELEASING:
        return "Sta8_releasing";
    case UL_STA13_CLOSING:
        return "Sta13_closing";
    case UL_STATES:
        break;
    }
    return "?";
}

const char *ul_event_name(enum ul_event e)
{
    return e < UL_EVENTS ? EVENT_NAMES[e] : "?";
}

void ul_fsm_mermaid(FILE *out)
{
    fputs("stateDiagram-v2\n", out);
    for (size_t i = 0; i < sizeof EDGES / sizeof *EDGES; i++)
        if (EDGES[i].from != EDGES[i].to && EDGES[i].action != UL_AA8 && EDGES[i].action != UL_AA1)
            fprintf(out, "    %s --> %s: %s (%s)\n", ul_state_name(EDGES[i].from), ul_state_name(EDGES[i].to),
                    ul_event_name(EDGES[i].on), EDGES[i].why);
}
