/* association.h - connections of modalities, each driven by the table in ul_fsm.c (PS3.8).
 *
 * Owns    the listening socket, its associations, their buffers and timers.
 * Runs on one loop; nothing blocks. Callbacks come from the loop, never from inside a call of this header but for gone(),
 *         which assoc_abort() may bring.
 * Reading stops while assoc_pause() holds: one message at a time is answered before the next is read, so a fast sender waits
 *         in its own socket and not in our memory.
 * Writing one write per message: header and body of a response never go in two segments (Nagle and delayed ACK cost 40 ms an
 *         object otherwise), TCP_NODELAY is set, and the peer's last fragment is acknowledged at once.
 */
#pragma once
#include <netinet/in.h>
#include "core/loop.h"
#include "dicom/pdu.h"

struct ul;
struct assoc;

struct assoc_context { /* of an accepted presentation context; lent */
    char abstract[PDU_UID + 1], syntax[PDU_UID + 1];
};

struct ul_events {
    /** May this one come in? Contexts of rq are answered in place (result, chosen). @return false: rj is sent */
    bool (*judge)(void *arg, struct assoc *as, struct pdu_associate *rq, struct pdu_reject *rj);
    /** A fragment on an accepted context. Lent for the call. */
    void (*pdv)(void *arg, struct assoc *as, const struct assoc_context *context, const struct pdu_pdv *v);
    /** The peer has finished. Answer with assoc_release(), now or later. */
    void (*release)(void *arg, struct assoc *as);
    /** It is over, however it ended; as is valid for the length of this call. why: the words of the table. */
    void (*gone)(void *arg, struct assoc *as, const char *why);
    void *arg;
};

struct ul_options {
    const char *address; /* dotted IPv4, or IPv6 */
    uint16_t port;       /* 0: any, ul_port() tells */
    uint32_t max_pdu;    /* offered for P-DATA-TF bodies, at most PDU_MAX_OFFERED */
    unsigned sockets_max;
    int64_t artim_us, idle_us;
};

bool ul_listen(struct ul **out, struct loop *l, const struct ul_options *opt, const struct ul_events *ev,
               struct err *err);
/** A socket that listens there; bound is its port, chosen when port is 0. @return -1: err says why (ul_socket.c) */
int ul_socket(const char *address, uint16_t port, uint16_t *bound, struct err *err);
/** Associations end by an abort; gone() is called for each. NULL is fine. */
void ul_free(struct ul *u);
uint16_t ul_port(const struct ul *u);
/** Established ones. */
unsigned ul_count(const struct ul *u);

void assoc_set_data(struct assoc *as, void *data);
void *assoc_data(const struct assoc *as);
const char *assoc_calling(const struct assoc *as);
const char *assoc_called(const struct assoc *as);
/** The peer's address as text, without the port. */
const char *assoc_peer(const struct assoc *as);
const struct sockaddr_storage *assoc_peer_address(const struct assoc *as);

/** Send one message: a command set and, when data is not NULL, its data set, in one write. */
void assoc_send(struct assoc *as, uint8_t context, const struct pdu_out *command, const uint8_t *data,
                size_t len);
/** Bytes the peer has not taken yet. */
size_t assoc_unsent(const struct assoc *as);
void assoc_pause(struct assoc *as, bool pause);
void assoc_release(struct assoc *as);
/** source 0: we (the service) give up; 2: the peer broke the protocol, for this reason. gone() comes before it returns. */
void assoc_abort(struct assoc *as, uint8_t source, enum pdu_abort_reason reason, const char *why);
/** Acknowledge what was received at once: the peer waits for it before it sends its last small segment. */
void assoc_quick_ack(struct assoc *as);
