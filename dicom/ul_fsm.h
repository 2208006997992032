/* ul_fsm.h - the state machine of the upper layer as PS3.8 table 9-10 draws it, for who is called (the acceptor).
 *
 * Owns    nothing; pure. The table is data, association.c performs the actions. States 4, 5, 7 and 9 to 12 belong to a
 *         side that calls or that asks for release itself, which this daemon does not do.
 */
#pragma once
#include <stdint.h>
#include <stdio.h>

enum ul_state { /* names and numbers are the standard's */
                UL_STA1_IDLE = 1,
                UL_STA2_OPEN = 2,      /* transport is open, waiting for A-ASSOCIATE-RQ */
                UL_STA3_ASKED = 3,     /* waiting for the local answer to it */
                UL_STA6_READY = 6,     /* association established */
                UL_STA8_RELEASING = 8, /* waiting for the local answer to A-RELEASE-RQ */
                UL_STA13_CLOSING = 13, /* waiting for the transport to close */
                UL_STATES = 14,
};

enum ul_event {
    UL_TRANSPORT_OPEN, /* somebody connected */
    UL_PDU_ASSOCIATE_AC,
    UL_PDU_ASSOCIATE_RJ,
    UL_PDU_ASSOCIATE_RQ,
    UL_ACCEPT, /* A-ASSOCIATE response primitive, accept */
    UL_REJECT, /* the same, reject */
    UL_SEND,   /* P-DATA request primitive */
    UL_PDU_DATA,
    UL_PDU_RELEASE_RQ,
    UL_PDU_RELEASE_RP,
    UL_RELEASE, /* A-RELEASE response primitive */
    UL_ABORT,   /* A-ABORT request primitive */
    UL_PDU_ABORT,
    UL_TRANSPORT_CLOSED,
    UL_ARTIM, /* the timer has run out */
    UL_PDU_INVALID,
    UL_EVENTS,
};

enum ul_action {
    UL_IMPOSSIBLE, /* an empty field of the table: our own mistake */
    UL_AE5,        /* start ARTIM */
    UL_AE6,        /* stop ARTIM, judge the request: indication, or reject and Sta13 */
    UL_AE7,        /* send A-ASSOCIATE-AC */
    UL_AE8,        /* send A-ASSOCIATE-RJ, start ARTIM */
    UL_DT1,        /* send P-DATA-TF */
    UL_DT2,        /* P-DATA indication */
    UL_AR2,        /* A-RELEASE indication */
    UL_AR4,        /* send A-RELEASE-RP, start ARTIM */
    UL_AR5,        /* stop ARTIM */
    UL_AR7,        /* send P-DATA-TF although release was asked */
    UL_AA1,        /* send A-ABORT (user), start ARTIM */
    UL_AA2,        /* stop ARTIM, close */
    UL_AA3,        /* abort indication, close */
    UL_AA4,        /* provider abort indication */
    UL_AA5,        /* stop ARTIM */
    UL_AA6,        /* ignore */
    UL_AA7,        /* send A-ABORT */
    UL_AA8,        /* send A-ABORT (provider), indication, start ARTIM */
};

struct ul_edge {
    enum ul_state from;
    enum ul_event on;
    enum ul_action action;
    enum ul_state to; /* AE-6 goes to Sta13 instead when it refuses */
    const char *why;
};

/** NULL: the field is empty. */
const struct ul_edge *ul_edge(enum ul_state from, enum ul_event on);
const char *ul_state_name(enum ul_state s);
const char *ul_event_name(enum ul_event e);
/** The drawing in README.md. */
void ul_fsm_mermaid(FILE *out);
