/* srtp_evp.h - OpenSSL's ciphers inside libsrtp. Debian builds libsrtp on NSS, which costs 2.4 (GCM) to 4.7
 * (CM80) times as much per packet. */
#pragma once
#include "core/err.h"

/** srtp_init(), then AES-GCM-128, AES-ICM-128 (also the key derivation) and HMAC-SHA1 replaced. libsrtp runs
 * its own and our test vectors on each. Once per process, before threads; a second call does nothing.
 * ERR_INTERNAL "srtp_self_test" when a cipher fails its vectors. */
bool srtp_evp_init(struct err *err);
