/* ice.h - the ICE-lite side (RFC 8445 2.7, consent RFC 7675) of every peer of one worker behind one port.
 *
 * Owns    struct ice_table the two indices (ufrag, source address); struct ice belongs to its peer and is
 * linked in while open. Addresses are learned here only, from authenticated binding requests; media never
 * teaches one. Runs on the worker's loop. Time is the caller's monotonic now_us. Rules   a request with
 * USE-CANDIDATE moves the connection to its address; the previous one still receives for ICE_OVERLAP_US. At
 * most ICE_TUPLES_MAX addresses: the longest silent one that is not selected makes room. A restart (new
 * remote ufrag) makes new credentials; the old ones work until the new ones have nominated and the overlap is
 * over. What cannot be authenticated gets no answer at all.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "media/addr.h"
#include "media/stun.h"

#define ICE_TUPLES_MAX    8
#define ICE_OVERLAP_US    3000000
#define ICE_TUPLE_IDLE_US 30000000
#define ICE_UFRAG_TEXT    32 /* ours: worker, dot, 96 random bits */
#define ICE_PWD_TEXT      32

struct ice;
struct ice_table;

struct ice_tuple {
    struct ice *ice; /* NULL: slot is free */
    struct addr addr;
    int64_t heard_us;
    struct ice_tuple *next; /* in the table's bucket */
};

struct ice_cred {
    struct ice *ice; /* NULL: not linked */
    char ufrag[ICE_UFRAG_TEXT], pwd[ICE_PWD_TEXT];
    struct ice_cred *next;
};

struct ice {
    struct ice_table *table;
    void *owner;
    struct ice_cred now, before; /* before: of the last generation, during a restart */
    struct ice_tuple tuples[ICE_TUPLES_MAX];
    int8_t selected, previous; /* index or -1 */
    bool restarting;           /* the new credentials have not nominated yet */
    int64_t previous_until_us, before_until_us;
    int64_t heard_us;  /* last authenticated request */
    uint64_t seen[64]; /* transaction ids with their source, against replay from elsewhere */
    uint8_t seen_at;
};

struct ice_table *ice_table_new(uint16_t worker);
void ice_table_free(struct ice_table *t);

/** Link in with fresh credentials. */
void ice_open(struct ice *ice, struct ice_table *t, void *owner);
/** New credentials beside the old ones. */
void ice_restart(struct ice *ice);
void ice_close(struct ice *ice);

enum ice_result {
    ICE_DROPPED,  /* no answer: unknown, unauthenticated, malformed or replayed */
    ICE_ANSWERED, /* reply to be sent to where it came from */
    ICE_SELECTED, /* the same, and the connection now uses that address */
};
/** One STUN datagram. @param reply at least 128 bytes. @param who set when it was authenticated. */
enum ice_result ice_receive(struct ice_table *t, const uint8_t *data, size_t len, const struct addr *from,
                            int64_t now_us, struct ice **who, uint8_t *reply, size_t *reply_len);
/** The validated address a packet came from, or NULL: hot path. */
struct ice_tuple *ice_find(struct ice_table *t, const struct addr *from);
/** Where to send; NULL before the first valid request. */
const struct addr *ice_address(const struct ice *ice);
/** Forget what time has ended: previous addresses, old credentials, silent tuples. */
void ice_tick(struct ice *ice, int64_t now_us);

struct ice_counts {
    int64_t answered, malformed, unknown_ufrag, bad_integrity, rate_limited, replayed, selected;
};
extern struct ice_counts ice_counts;
