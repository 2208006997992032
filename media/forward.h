/* forward.h - the packet path: what came from a validated address, decrypted, judged and handed on. */
#pragma once
#include "media/peer.h"

void forward_rtp(struct peer *p, uint8_t *data, size_t len);
/** Reports and requests of the other side. */
void feedback_rtcp(struct peer *p, uint8_t *data, size_t len);

/** Encrypt and send one clear RTCP compound; len at most NET_SLOT_BYTES - SRTP_TRAILER_MAX. */
void rtcp_send(struct peer *p, const uint8_t *data, size_t len);
/** At the end of a batch: what this peer must be asked or told at once (holes, arrival times). */
void feedback_flush(struct peer *p);
/** Sender and receiver reports, about once a second and peer. */
void reports_send(struct peer *p);
void pli_send(struct track *t);
