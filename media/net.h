/* net.h - the UDP port of a worker: packets in by the batch, packets out from slots that are flushed once per
 * turn.
 *
 * Owns    the sockets (one for each address, one port for all) and all buffers, made once.
 * Runs on the worker's loop. No allocation and no copy but the sender's own: a sender takes a slot, writes
 * and encrypts into it, and commits it.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/loop.h"
#include "media/addr.h"

#define NET_BATCH      64   /* packets per system call */
#define NET_SLOTS      512  /* packets that may wait for the flush */
#define NET_SLOT_BYTES 1664 /* 1500 and room for headers and the SRTP trailer */

struct net;
struct net_events {
    /** Packets are there: read the clock. */
    void (*on_batch_begin)(void *arg);
    /** One datagram; data may be changed in place, it has room for nothing more. */
    void (*on_packet)(void *arg, uint8_t *data, size_t len, const struct addr *from);
    /** After each batch: whatever was gathered during it may be sent now. net_flush() follows by itself. */
    void (*on_batch_end)(void *arg);
    void *arg;
};
struct net_config {
    const char *addresses; /* what we tell clients; net_address.h */
    const char *bind;      /* where we listen; "" = the same */
    uint16_t port;         /* 0 = any free one */
    uint32_t buffer_bytes; /* socket buffers asked for */
};

bool net_open(struct net **out, struct loop *l, const struct net_config *cfg, struct net_events ev,
              struct err *err);
void net_close(struct net *n); /* NULL is fine */
uint16_t net_port(const struct net *n);
/** Addresses for candidates, NULL at the end; lent. */
const char *const *net_addresses(const struct net *n);

/** Room for one packet, NET_SLOT_BYTES, 16-byte aligned; valid until the next call. Never NULL: a full arena
 * is flushed. */
uint8_t *net_slot(struct net *n);
/** Send what was written into the last net_slot(). */
void net_commit(struct net *n, size_t len, const struct addr *to);
/** Copy and commit; len at most NET_SLOT_BYTES. */
void net_send(struct net *n, const void *data, size_t len, const struct addr *to);
void net_flush(struct net *n);

struct net_counts {
    int64_t packets_in, bytes_in, packets_out, bytes_out, oversize, foreign, dropped_full, dropped_error;
};
const struct net_counts *net_counts(const struct net *n);
