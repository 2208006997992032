/* sdp_check.h - what can be said of an offer without a media worker: is it one at all, is it bounded, does it bring a
 * certificate's fingerprint. The worker judges everything else; this spares it, the lease and the database the junk.
 * The words are the worker's. Any thread. */
#pragma once
#include <stddef.h>
#include "core/err.h"

/** ERR_INVALID "sdp_invalid" | "sdp_no_fingerprint" | "sdp_weak_fingerprint"; ERR_TOO_LARGE "sdp_too_many_media" |
 * "sdp_too_large". */
bool sdp_check(const char *sdp, size_t len, struct err *err);
