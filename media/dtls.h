/* dtls.h - the server side of DTLS 1.2 for DTLS-SRTP (RFC 5763, 5764, 8827), one struct per peer.
 *
 * Owns    struct dtls its OpenSSL state; the factory (certificate, SSL_CTX) outlives all of them.
 * Runs on the worker's loop. Takes bytes of the outside, but only from addresses ICE has validated.
 * Trust   a handshake can be disturbed only by who can send from the validated address, and even then: a
 * hello without any of our ciphers, a second hello while one is being answered, an unencrypted alert and
 * anything after a failed handshake are dropped or start a fresh handshake; none of them ends the peer.
 * Renegotiation is off.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "core/err.h"
#include "media/sdp.h"
#include "media/srtp.h"

struct dtls_factory; /* per process: ECDSA P-256 certificate made at start, settings of the handshake */
bool dtls_factory_new(struct dtls_factory **out, struct err *err);
void dtls_factory_free(struct dtls_factory *f);
/** "sha-256 AB:CD:…" of our certificate, lent. */
const char *dtls_factory_fingerprint(const struct dtls_factory *f);

struct dtls;
enum dtls_state {
    DTLS_WAITING, /* no hello yet */
    DTLS_SHAKING,
    DTLS_CONNECTED, /* keys are there and the certificate is the one of the offer */
    DTLS_CLOSED,    /* close_notify came, or the certificate was another one: this peer is over */
};
/** One datagram to send to the peer's current address. */
typedef void dtls_send_fn(void *arg, const uint8_t *data, size_t len);

bool dtls_new(struct dtls **out, struct dtls_factory *f, const struct sdp_fingerprint *expect,
              dtls_send_fn *send, void *arg, struct err *err);
void dtls_free(struct dtls *d); /* NULL is fine */

/** Feed one datagram. @param now_us monotonic. @return the state after it. */
enum dtls_state dtls_receive(struct dtls *d, const uint8_t *data, size_t len, int64_t now_us);
/** Retransmit when due. @return µs until it should be called again, -1: no timer runs. */
int64_t dtls_tick(struct dtls *d);
enum dtls_state dtls_state(const struct dtls *d);
/** true when DTLS_CLOSED came from a certificate that is not the one of the offer: somebody in the middle. */
bool dtls_mismatch(const struct dtls *d);
/** After DTLS_CONNECTED: the suite and both SRTP contexts (ours to write, theirs to read), owned by the
 * caller. */
bool dtls_export(struct dtls *d, enum srtp_suite *suite, struct srtp_ctx **in, struct srtp_ctx **out,
                 struct err *err);
/** Say close_notify. */
void dtls_close(struct dtls *d);

struct dtls_counts { /* of the process */
    int64_t handshakes, failed, hellos_refused, mismatches, restarts;
};
extern struct dtls_counts dtls_counts;
