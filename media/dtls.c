/* dtls.c - see dtls.h. */
#include "media/dtls.h"

#include <assert.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include "media/bytes.h"
#include "media/dtls_hello.h"

#define DTLS_MTU           1200 /* survives tunnels; our certificate is small, so a flight is two datagrams at most */
#define DTLS_FIRST_US      200000u
#define DTLS_HELLO_TURN_US 1500000
#define DTLS_SLOWEST_US    4000000u
#define DTLS_RESTARTS_MAX  20 /* fresh handshakes a peer gets; each costs us a signature */

/* Ours is an ECDSA certificate, so only these can be agreed on. */
#define CIPHERS "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"
/* The server's order decides: GCM costs a third of CM80 per packet. */
#define SRTP_PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"

struct dtls_counts dtls_counts;

struct dtls_factory {
    SSL_CTX *ctx;
    BIO_METHOD *bio;
    EVP_PKEY *key;
    X509 *cert;
    char fingerprint[8 + 32 * 3];
};

struct dtls {
    struct dtls_factory *factory;
    SSL *ssl;
    enum dtls_state state;
    struct sdp_fingerprint expect;
    dtls_send_fn *send;
    void *arg;
    const uint8_t *in; /* the datagram being fed, NULL between */
    size_t in_len;
    uint8_t random[DTLS_RANDOM_LEN]; /* of the hello being answered */
    int64_t random_at_us;
    bool have_random, mismatch;
    unsigned restarts;
};

/* ---- datagrams in and out of OpenSSL ---- */

static int bio_write(BIO *b, const char *data, int len)
{
    struct dtls *d = BIO_get_data(b);

    d->send(d->arg, (const uint8_t *)data, (size_t)len);
    return len;
}

static int bio_read(BIO *b, char *out, int cap)
{
    struct dtls *d = BIO_get_data(b);
    int n = d->in_len < (size_t)cap ? (int)d->in_len : cap;

    BIO_clear_retry_flags(b);
    if (!d->in) {
        BIO_set_retry_read(b);
        return -1;
    }
    memcpy(out, d->in, (size_t)n);
    d->in = NULL; /* one read, one datagram */
    return n;
}

/* Only what is known here is answered with yes: OpenSSL built with kTLS asks whether the kernel encrypts, and
 * a yes makes it allocate no write buffer. */
static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
    (void)b;
    (void)num;
    (void)ptr;
    switch (cmd) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
        return 1;
    case BIO_CTRL_DGRAM_QUERY_MTU:
    case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return DTLS_MTU;
    default:
        return 0;
    }
}

static int bio_create(BIO *b)
{
    BIO_set_init(b, 1);
    return 1;
}

/* ---- the factory ---- */

static int accept_any(int ok, X509_STORE_CTX *ctx)
{
    (void)ok; /* self-signed by design; check_certificate() compares with the offer */
    (void)ctx;
    return 1;
}

static bool make_certificate(struct dtls_factory *f)
{
    X509_NAME *name;
    uint64_t serial;

    f->key = EVP_EC_gen("P-256");
    f->cert = X509_new();
    if (!f->key || !f->cert || RAND_bytes((uint8_t *)&serial, sizeof(serial)) != 1)
        return false;
    X509_set_version(f->cert, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(f->cert), serial >> 1);
    X509_gmtime_adj(X509_getm_notBefore(f->cert), -86400L);
    X509_gmtime_adj(X509_getm_notAfter(f->cert), 86400L * 365);
    name = X509_get_subject_name(f->cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"yunzhen", -1, -1, 0);
    X509_set_issuer_name(f->cert, name);
    return X509_set_pubkey(f->cert, f->key) == 1 && X509_sign(f->cert, f->key, EVP_sha256()) > 0;
}

static bool write_fingerprint(struct dtls_factory *f)
{
    uint8_t md[32];
    unsigned n = 0;
    char *p = f->fingerprint;

    if (X509_digest(f->cert, EVP_sha256(), md, &n) != 1 || n != sizeof(md))
        return false;
    p += sprintf(p, "sha-256 ");
    for (unsigned i = 0; i < n; i++)
        p += sprintf(p, "%s%02X", i ? ":" : "", md[i]);
    return true;
}

static bool make_bio_method(struct dtls_factory *f)
{
    f->bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "yunzhen datagrams");
    return f->bio && BIO_meth_set_write(f->bio, bio_write) && BIO_meth_set_read(f->bio, bio_read) &&
           BIO_meth_set_ctrl(f->bio, bio_ctrl) && BIO_meth_set_create(f->bio, bio_create);
}

static bool make_context(struct dtls_factory *f)
{
    SSL_CTX *c = f->ctx = SSL_CTX_new(DTLS_server_method());

    if (!c || SSL_CTX_set_min_proto_version(c, DTLS1_2_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(c, DTLS1_2_VERSION) != 1 || SSL_CTX_set_cipher_list(c, CIPHERS) != 1 ||
        SSL_CTX_set1_groups_list(c, "X25519:P-256") != 1 || SSL_CTX_use_certificate(c, f->cert) != 1 ||
        SSL_CTX_use_PrivateKey(c, f->key) != 1)
        return false;
    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
    SSL_CTX_set_max_cert_list(c, 16 * 1024);
    SSL_CTX_set_max_send_fragment(c, 2048);
    SSL_CTX_set_read_ahead(c, 1);                              /* a datagram is read whole */
    return SSL_CTX_set_tlsext_use_srtp(c, SRTP_PROFILES) == 0; /* 0 is success here */
}

bool dtls_factory_new(struct dtls_factory **out, struct err *err)
{
    struct dtls_factory *f = calloc(1, sizeof(*f));

    if (!f)
        return err_set(err, ERR_INTERNAL, "out_of_memory", "DTLS");
    if (!make_certificate(f) || !write_fingerprint(f) || !make_bio_method(f) || !make_context(f)) {
        dtls_factory_free(f);
        return err_set(err, ERR_INTERNAL, "dtls_init", "OpenSSL: %s",
                       ERR_reason_error_string(ERR_peek_last_error()));
    }
    *out = f;
    return true;
}

void dtls_factory_free(struct dtls_factory *f)
{
    if (!f)
        return;
    SSL_CTX_free(f->ctx);
    BIO_meth_free(f->bio);
    X509_free(f->cert);
    EVP_PKEY_free(f->key);
    free(f);
}

const char *dtls_factory_fingerprint(const struct dtls_factory *f)
{
    return f->fingerprint;
}

/* ---- one peer ---- */

static unsigned timer_cb(SSL *s, unsigned last_us)
{
    (void)s;
    if (last_us == 0)
        return DTLS_FIRST_US;
    return last_us * 2 > DTLS_SLOWEST_US ? DTLS_SLOWEST_US : last_us * 2;
}

static bool fresh_ssl(struct dtls *d)
{
    BIO *bio = BIO_new(d->factory->bio);

    SSL_free(d->ssl);
    d->ssl = SSL_new(d->factory->ctx);
    if (!bio || !d->ssl) {
        BIO_free(bio);
        return false;
    }
    BIO_set_data(bio, d);
    SSL_set_bio(d->ssl, bio, bio);
    SSL_set_accept_state(d->ssl);
    DTLS_set_link_mtu(d->ssl, DTLS_MTU);
    DTLS_set_timer_cb(d->ssl, timer_cb);
    d->state = DTLS_WAITING;
    d->have_random = false;
    return true;
}

bool dtls_new(struct dtls **out, struct dtls_factory *f, const struct sdp_fingerprint *expect,
              dtls_send_fn *send, void *arg, struct err *err)
{
    struct dtls *d = calloc(1, sizeof(*d));

    if (!d)
        return err_set(err, ERR_INTERNAL, "out_of_memory", "DTLS");
    d->factory = f;
    d->expect = *expect;
    d->send = send;
    d->arg = arg;
    if (!fresh_ssl(d)) {
        dtls_free(d);
        return err_set(err, ERR_INTERNAL, "out_of_memory", "DTLS");
    }
    *out = d;
    return true;
}

void dtls_free(struct dtls *d)
{
    if (!d)
        return;
    SSL_free(d->ssl);
    free(d);
}

/* OpenSSL makes read buffers again by itself, but writes (an alert, a repeated flight) into a missing one: whoever calls
 * it after the handshake asks for them first. */
static bool buffers(struct dtls *d)
{
    ERR_clear_error();
    return SSL_alloc_buffers(d->ssl) == 1;
}

/* The certificate the handshake showed, against the one the offer promised (RFC 8122). */
static bool check_certificate(struct dtls *d)
{
    X509 *cert = SSL_get1_peer_certificate(d->ssl);
    const EVP_MD *md = d->expect.len == 64 ? EVP_sha512() : d->expect.len == 48 ? EVP_sha384() : EVP_sha256();
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    bool ok = cert && X509_digest(cert, md, digest, &n) == 1 && n == d->expect.len &&
              CRYPTO_memcmp(digest, d->expect.digest, n) == 0;

    X509_free(cert);
    return ok;
}

static void finished(struct dtls *d)
{
    if (!check_certificate(d)) {
        dtls_counts.mismatches++;
        d->mismatch = true;
        d->state = DTLS_CLOSED;
        dtls_close(d);
        return;
    }
    if (!SSL_get_selected_srtp_profile(d->ssl)) {
        dtls_counts.failed++;
        d->state = DTLS_CLOSED; /* no media could ever flow */
        dtls_close(d);
        return;
    }
    dtls_counts.handshakes++;
    d->state = DTLS_CONNECTED;
    SSL_free_buffers(d->ssl); /* half of what an idle peer would cost; see buffers() */
}

/* Broken handshakes are thrown away and the next hello begins a new one: the session itself never ends here.
 */
static void start_over(struct dtls *d)
{
    dtls_counts.failed++;
    if (d->restarts++ >= DTLS_RESTARTS_MAX)
        return; /* what comes is dropped by the filter: state stays, nobody is answered */
    dtls_counts.restarts++;
    fresh_ssl(d);
}

static void shake(struct dtls *d)
{
    int r = SSL_do_handshake(d->ssl);

    d->state = DTLS_SHAKING;
    if (r == 1) {
        finished(d);
        return;
    }
    r = SSL_get_error(d->ssl, r);
    if (r != SSL_ERROR_WANT_READ && r != SSL_ERROR_WANT_WRITE)
        start_over(d);
}

static void read_connected(struct dtls *d)
{
    uint8_t junk[256];
    int r;

    if (!buffers(d))
        return;
    do
        r = SSL_read(d->ssl, junk,
                     sizeof(junk)); /* data channels are not ours: application data is dropped */
    while (r > 0);
    if (SSL_get_error(d->ssl, r) == SSL_ERROR_ZERO_RETURN ||
        (SSL_get_shutdown(d->ssl) & SSL_RECEIVED_SHUTDOWN))
        d->state = DTLS_CLOSED;
    SSL_free_buffers(d->ssl);
}

/* Another hello than the one being answered: perhaps the first was the false one. It gets its turn when the
 * first has led nowhere for a while; a client that means it repeats its hello. */
static bool admit_other_hello(struct dtls *d, int64_t now_us)
{
    if (now_us - d->random_at_us < DTLS_HELLO_TURN_US)
        return false;
    start_over(d);
    return d->restarts <= DTLS_RESTARTS_MAX;
}

/* See "Trust" in dtls.h. */
static bool admit(struct dtls *d, const uint8_t *data, size_t len, int64_t now_us)
{
    struct dtls_hello hello;

    switch (dtls_look(data, len, &hello)) {
    case DTLS_LOOK_PLAIN_ALERT:
    case DTLS_LOOK_JUNK:
        dtls_counts.hellos_refused++;
        return false;
    case DTLS_LOOK_HELLO:
        if (d->state == DTLS_CONNECTED || !hello.usable || d->restarts > DTLS_RESTARTS_MAX ||
            (d->have_random && memcmp(d->random, hello.random, DTLS_RANDOM_LEN) != 0 &&
             !admit_other_hello(d, now_us))) {
            dtls_counts.hellos_refused++;
            return false;
        }
        if (!d->have_random) {
            memcpy(d->random, hello.random, DTLS_RANDOM_LEN);
            d->have_random = true;
            d->random_at_us = now_us;
        }
        return true;
    case DTLS_LOOK_OTHER:
        break;
    }
    return d->state != DTLS_WAITING;
}

enum dtls_state dtls_receive(struct dtls *d, const uint8_t *data, size_t len, int64_t now_us)
{
    if (d->state == DTLS_CLOSED || !d->ssl || !admit(d, data, len, now_us))
        return d->state;
    ERR_clear_error();
    d->in = data;
    d->in_len = len;
    if (d->state == DTLS_CONNECTED)
        read_connected(d);
    else
        shake(d);
    d->in = NULL;
    return d->state;
}

int64_t dtls_tick(struct dtls *d)
{
    struct timeval left;

    if (d->state != DTLS_SHAKING)
        return -1;
    if (!DTLSv1_get_timeout(d->ssl, &left))
        return -1;
    if (left.tv_sec == 0 && left.tv_usec == 0) {
        ERR_clear_error();
        if (DTLSv1_handle_timeout(d->ssl) < 0) { /* asked too often: the other side is gone */
            start_over(d);
            return -1;
        }
        if (!DTLSv1_get_timeout(d->ssl, &left))
            return -1;
    }
    return (int64_t)left.tv_sec * 1000000 + left.tv_usec;
}

enum dtls_state dtls_state(const struct dtls *d)
{
    return d->state;
}

bool dtls_mismatch(const struct dtls *d)
{
    return d->mismatch;
}

bool dtls_export(struct dtls *d, enum srtp_suite *suite, struct srtp_ctx **in, struct srtp_ctx **out,
                 struct err *err)
{
    const SRTP_PROTECTION_PROFILE *p = SSL_get_selected_srtp_profile(d->ssl);
    static const char LABEL[] = "EXTRACTOR-dtls_srtp";
    uint8_t keys[SRTP_KEYS_MAX];
    bool ok = false;
    size_t len;

    assert(d->state == DTLS_CONNECTED && p);
    *suite = p->id == SRTP_AEAD_AES_128_GCM ? SRTP_SUITE_GCM128 : SRTP_SUITE_CM80;
    len = 2 * (srtp_suite_key_len(*suite) + srtp_suite_salt_len(*suite));
    *in = *out = NULL;
    if (SSL_export_keying_material(d->ssl, keys, len, LABEL, sizeof(LABEL) - 1, NULL, 0, 0) != 1)
        err_set(err, ERR_INTERNAL, "dtls_export", "OpenSSL gave no keying material");
    else
        ok = srtp_ctx_new(in, *suite, keys, true, true, err) &&
             srtp_ctx_new(out, *suite, keys, false, false, err);
    OPENSSL_cleanse(keys, sizeof(keys));
    if (!ok) {
        srtp_ctx_free(*in);
        *in = NULL;
    }
    return ok;
}

void dtls_close(struct dtls *d)
{
    if (d->ssl && SSL_is_init_finished(d->ssl) && buffers(d))
        SSL_shutdown(d->ssl);
}
