/* dtls_client.c - see dtls_client.h. */
#include "tests/load/rtc/dtls_client.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include "core/mem.h"

struct dtls_client {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO_METHOD *bio;
    X509 *cert;
    EVP_PKEY *key;
    dtls_client_send_fn *send;
    void *arg;
    const uint8_t *in;
    size_t in_len;
    bool connected, closed;
};

static int bio_write(BIO *b, const char *data, int len)
{
    struct dtls_client *c = BIO_get_data(b);

    c->send(c->arg, (const uint8_t *)data, (size_t)len);
    return len;
}

static int bio_read(BIO *b, char *out, int cap)
{
    struct dtls_client *c = BIO_get_data(b);
    int n = c->in_len < (size_t)cap ? (int)c->in_len : cap;

    BIO_clear_retry_flags(b);
    if (!c->in) {
        BIO_set_retry_read(b);
        return -1;
    }
    memcpy(out, c->in, (size_t)n);
    c->in = NULL;
    return n;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
    (void)b;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT;
}

static int bio_create(BIO *b)
{
    BIO_set_init(b, 1);
    return 1;
}

static int accept_any(int ok, X509_STORE_CTX *ctx)
{
    (void)ok;
    (void)ctx;
    return 1;
}

static void make_certificate(struct dtls_client *c)
{
    X509_NAME *name;

    c->key = EVP_EC_gen("P-256");
    c->cert = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(c->cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(c->cert), -3600L);
    X509_gmtime_adj(X509_getm_notAfter(c->cert), 86400L);
    name = X509_get_subject_name(c->cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"client", -1, -1, 0);
    X509_set_issuer_name(c->cert, name);
    X509_set_pubkey(c->cert, c->key);
    X509_sign(c->cert, c->key, EVP_sha256());
}

struct dtls_client *dtls_client_new(const char *profiles, dtls_client_send_fn *send, void *arg)
{
    struct dtls_client *c = mem_new(sizeof(*c));
    BIO *bio;

    c->send = send;
    c->arg = arg;
    make_certificate(c);
    c->ctx = SSL_CTX_new(DTLS_client_method());
    SSL_CTX_set_min_proto_version(c->ctx, DTLS1_2_VERSION);
    SSL_CTX_use_certificate(c->ctx, c->cert);
    SSL_CTX_use_PrivateKey(c->ctx, c->key);
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, accept_any);
    SSL_CTX_set_tlsext_use_srtp(c->ctx, profiles);
    SSL_CTX_set_options(c->ctx, SSL_OP_NO_QUERY_MTU);
    c->bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "test datagrams");
    BIO_meth_set_write(c->bio, bio_write);
    BIO_meth_set_read(c->bio, bio_read);
    BIO_meth_set_ctrl(c->bio, bio_ctrl);
    BIO_meth_set_create(c->bio, bio_create);
    bio = BIO_new(c->bio);
    BIO_set_data(bio, c);
    c->ssl = SSL_new(c->ctx);
    SSL_set_bio(c->ssl, bio, bio);
    SSL_set_connect_state(c->ssl);
    DTLS_set_link_mtu(c->ssl, 1200);
    return c;
}

void dtls_client_free(struct dtls_client *c)
{
    if (!c)
        return;
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    BIO_meth_free(c->bio);
    X509_free(c->cert);
    EVP_PKEY_free(c->key);
    free(c);
}

static void digest_text(const uint8_t *md, char *out)
{
    for (int i = 0; i < 32; i++)
        out += sprintf(out, "%s%02X", i ? ":" : "", md[i]);
}

void dtls_client_fingerprint(const struct dtls_client *c, struct sdp_fingerprint *out)
{
    unsigned n;

    memset(out, 0, sizeof(*out));
    memcpy(out->hash, "sha-256", 8);
    X509_digest(c->cert, EVP_sha256(), out->digest, &n);
    out->len = 32;
}

void dtls_client_fingerprint_text(const struct dtls_client *c, char *out)
{
    struct sdp_fingerprint f;

    dtls_client_fingerprint(c, &f);
    digest_text(f.digest, out);
}

void dtls_client_server_fingerprint(const struct dtls_client *c, char *out)
{
    X509 *cert = SSL_get1_peer_certificate(c->ssl);
    uint8_t md[32] = {0};
    unsigned n;

    if (cert)
        X509_digest(cert, EVP_sha256(), md, &n);
    X509_free(cert);
    digest_text(md, out);
}

static void go_on(struct dtls_client *c)
{
    uint8_t junk[64];
    int r;

    ERR_clear_error();
    if (!c->connected) {
        r = SSL_do_handshake(c->ssl);
        c->connected = r == 1;
        if (r != 1 && SSL_get_error(c->ssl, r) == SSL_ERROR_SSL)
            c->closed = true;
        return;
    }
    r = SSL_read(c->ssl, junk, sizeof(junk));
    if (r <= 0 &&
        (SSL_get_error(c->ssl, r) == SSL_ERROR_ZERO_RETURN || SSL_get_error(c->ssl, r) == SSL_ERROR_SSL))
        c->closed = true;
}

void dtls_client_start(struct dtls_client *c)
{
    go_on(c);
}

void dtls_client_receive(struct dtls_client *c, const uint8_t *data, size_t len)
{
    c->in = data;
    c->in_len = len;
    go_on(c);
    c->in = NULL;
}

void dtls_client_tick(struct dtls_client *c)
{
    struct timeval left;

    if (!c->connected && !c->closed && DTLSv1_get_timeout(c->ssl, &left) && !left.tv_sec && !left.tv_usec)
        DTLSv1_handle_timeout(c->ssl);
}

bool dtls_client_connected(const struct dtls_client *c)
{
    return c->connected;
}

bool dtls_client_closed(const struct dtls_client *c)
{
    return c->closed;
}

void dtls_client_close(struct dtls_client *c)
{
    if (c->connected)
        SSL_shutdown(c->ssl);
}

bool dtls_client_export(struct dtls_client *c, enum srtp_suite *suite, struct srtp_ctx **in,
                        struct srtp_ctx **out)
{
    const SRTP_PROTECTION_PROFILE *p = SSL_get_selected_srtp_profile(c->ssl);
    uint8_t keys[SRTP_KEYS_MAX];
    struct err err = ERR_INIT;
    size_t len;

    if (!p)
        return false;
    *suite = p->id == SRTP_AEAD_AES_128_GCM ? SRTP_SUITE_GCM128 : SRTP_SUITE_CM80;
    len = 2 * (srtp_suite_key_len(*suite) + srtp_suite_salt_len(*suite));
    return SSL_export_keying_material(c->ssl, keys, len, "EXTRACTOR-dtls_srtp", 19, NULL, 0, 0) == 1 &&
           srtp_ctx_new(in, *suite, keys, false, true, &err) &&
           srtp_ctx_new(out, *suite, keys, true, false, &err);
}
