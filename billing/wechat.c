#include "billing/wechat.h"
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/crypto.h"
#include "core/mem.h"

#define BITS_MIN   2048
#define TAG        16
#define NONCE      12
#define CIPHER_MAX (1 << 20)

struct wechat_key {
    EVP_PKEY *pkey;
};

/* OpenSSL says no only when there is no memory, or when we called it wrongly. */
static void sure(bool ok)
{
    if (!ok)
        abort();
}

/* ---------------------------------------------------------------- keys */

static bool key_take(struct wechat_key **out, EVP_PKEY *pkey, struct err *err)
{
    if (!pkey || EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA || EVP_PKEY_get_bits(pkey) < BITS_MIN) {
        EVP_PKEY_free(pkey);
        return err_set(err, ERR_INVALID, "wechat_key", "no RSA key of %d bits or more in PEM", BITS_MIN);
    }
    *out = mem_new(sizeof **out);
    (*out)->pkey = pkey;
    return true;
}

static BIO *bio_of(const char *pem, size_t len)
{
    BIO *bio = BIO_new_mem_buf(pem, len > INT32_MAX ? INT32_MAX : (int)len);

    sure(bio != NULL);
    return bio;
}

/* No key of ours is behind a passphrase, and nobody sits at a terminal. */
static int no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf, (void)size, (void)writing, (void)arg;
    return -1;
}

bool wechat_key_private(struct wechat_key **out, const char *pem, size_t len, struct err *err)
{
    BIO *bio = bio_of(pem, len);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

    BIO_free(bio);
    return key_take(out, pkey, err);
}

bool wechat_key_public(struct wechat_key **out, const char *pem, size_t len, struct err *err)
{
    BIO *bio = bio_of(pem, len);
    EVP_PKEY *pkey = NULL;
    X509 *cert = NULL;

    if (memmem(pem, len, "BEGIN CERTIFICATE", 17)) {
        cert = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
        pkey = cert ? X509_get_pubkey(cert) : NULL;
    } else {
        pkey = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    }
    X509_free(cert);
    BIO_free(bio);
    return key_take(out, pkey, err);
}

void wechat_key_free(struct wechat_key *k)
{
    if (!k)
        return;
    EVP_PKEY_free(k->pkey);
    free(k);
}

/* ---------------------------------------------------------------- base64, strict */

static char *base64(const uint8_t *data, size_t len)
{
    char *out = mem_new((len + 2) / 3 * 4 + 1);

    EVP_EncodeBlock((unsigned char *)out, data, (int)len);
    return out;
}

/* Whole blocks of the alphabet, '=' only at the end. OpenSSL alone would take blanks and more. */
static uint8_t *unbase64(const char *text, size_t *out_len)
{
    static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = strlen(text), body = strspn(text, ALPHABET), pad = len - body;
    uint8_t *out;

    if (!len || len % 4 || len > CIPHER_MAX || pad > 2 || strspn(text + body, "=") != pad)
        return NULL;
    out = mem_new(len / 4 * 3 + 1);
    sure(EVP_DecodeBlock(out, (const unsigned char *)text, (int)len) >= 0);
    *out_len = len / 4 * 3 - pad;
    return out;
}

/* ---------------------------------------------------------------- signatures */

static char *sign(const struct wechat_key *key, const char *text, size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = (size_t)EVP_PKEY_get_size(key->pkey);
    uint8_t *sig = mem_new(n);
    char *out;

    sure(ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
         EVP_DigestSign(ctx, sig, &n, (const uint8_t *)text, len) == 1);
    EVP_MD_CTX_free(ctx);
    out = base64(sig, n);
    free(sig);
    return out;
}

static bool signature_good(const struct wechat_key *key, const char *text, size_t len, const char *signature)
{
    size_t n = 0;
    uint8_t *sig = unbase64(signature, &n);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good;

    sure(ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1);
    good = sig && EVP_DigestVerify(ctx, sig, n, (const uint8_t *)text, len) == 1;
    EVP_MD_CTX_free(ctx);
    free(sig);
    return good;
}

/* head, body, line feed: both kinds of signed text end so. */
static char *with_body(char *head, const char *body, size_t body_len, size_t *len)
{
    size_t head_len = strlen(head);
    char *text = mem_grow(head, head_len + body_len + 2);

    memcpy(text + head_len, body, body_len);
    text[head_len + body_len] = '\n';
    *len = head_len + body_len + 1;
    return text;
}

static char *request_text(const struct wechat_request *req, size_t *len)
{
    return with_body(mem_format("%s\n%s\n%" PRId64 "\n%s\n", req->method, req->url, req->now_s, req->nonce),
                     req->body, req->body_len, len);
}

char *wechat_authorization(const struct wechat_merchant *m, const struct wechat_request *req)
{
    size_t len;
    char *text = request_text(req, &len), *signature = sign(m->key, text, len), *out;

    out = mem_format(WECHAT_SCHEME " mchid=\"%s\",nonce_str=\"%s\",signature=\"%s\",timestamp=\"%" PRId64
                                   "\",serial_no=\"%s\"",
                     m->mchid, req->nonce, signature, req->now_s, m->serial);
    free(text);
    free(signature);
    return out;
}

char *wechat_sign(const struct wechat_key *key, const char *timestamp, const char *nonce, const char *body,
                  size_t body_len)
{
    size_t len;
    char *text = with_body(mem_format("%s\n%s\n", timestamp, nonce), body, body_len, &len), *out;

    out = sign(key, text, len);
    free(text);
    return out;
}

/* ---------------------------------------------------------------- verification */

static bool timestamp_check(const char *text, int64_t now_s, struct err *err)
{
    size_t len = strlen(text);
    int64_t at;

    if (!len || len > 12 || strspn(text, "0123456789") != len)
        return err_set(err, ERR_UNAUTHENTICATED, "wechat_timestamp", "no timestamp");
    at = strtoll(text, NULL, 10);
    return (at >= now_s - WECHAT_WINDOW_S && at <= now_s + WECHAT_WINDOW_S) ||
           err_set(err, ERR_UNAUTHENTICATED, "wechat_timestamp", "signed %" PRId64 " s away from now",
                   at - now_s);
}

bool wechat_verify(const struct wechat_signed *msg, const struct wechat_signer *keys, size_t n, int64_t now_s,
                   struct err *err)
{
    const struct wechat_key *key = NULL;
    size_t len;
    char *text;
    bool good;

    if (!timestamp_check(msg->timestamp, now_s, err))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(keys[i].serial, msg->serial) == 0)
            key = keys[i].key;
    if (!key)
        return err_set(err, ERR_UNAUTHENTICATED, "wechat_serial", "no key with serial '%.64s'", msg->serial);
    text = with_body(mem_format("%s\n%s\n", msg->timestamp, msg->nonce), msg->body, msg->body_len, &len);
    good = signature_good(key, text, len, msg->signature);
    free(text);
    return good ||
           err_set(err, ERR_UNAUTHENTICATED, "wechat_signature", "the signature is not the channel's");
}

/* name="value" up to the next quote; no escapes in this scheme. */
static bool claim_field(const char **at, struct wechat_claim *c)
{
    const struct {
        const char *name;
        char *out;
        size_t cap;
    } FIELDS[] = {{"mchid", c->mchid, sizeof c->mchid},
                  {"serial_no", c->serial, sizeof c->serial},
                  {"nonce_str", c->nonce, sizeof c->nonce},
                  {"timestamp", c->timestamp, sizeof c->timestamp},
                  {"signature", c->signature, sizeof c->signature}};
    size_t name = strcspn(*at, "="), value;

    if (strncmp(*at + name, "=\"", 2) != 0)
        return false;
    value = strcspn(*at + name + 2, "\"");
    if ((*at)[name + 2 + value] != '"')
        return false;
    for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++)
        if (strlen(FIELDS[i].name) == name && strncmp(*at, FIELDS[i].name, name) == 0) {
            if (*FIELDS[i].out || !value || value >= FIELDS[i].cap)
                return false;
            memcpy(FIELDS[i].out, *at + name + 2, value);
            *at += name + 2 + value + 1;
            return true;
        }
    return false;
}

bool wechat_authorization_read(struct wechat_claim *out, const char *header, struct err *err)
{
    struct wechat_claim c = {0};
    const char *at = header + strlen(WECHAT_SCHEME " ");
    bool ok = strncmp(header, WECHAT_SCHEME " ", strlen(WECHAT_SCHEME " ")) == 0;

    for (bool more = ok; more; at += more) {
        ok = claim_field(&at, &c);
        more = ok && *at == ',';
        ok = ok && (more || !*at);
    }
    if (!ok || !*c.mchid || !*c.serial || !*c.nonce || !*c.timestamp || !*c.signature)
        return err_set(err, ERR_UNAUTHENTICATED, "wechat_authorization",
                       "no " WECHAT_SCHEME " authorization");
    *out = c;
    return true;
}

bool wechat_authorization_verify(const struct wechat_claim *c, const struct wechat_request *req,
                                 const struct wechat_signer *merchant, struct err *err)
{
    struct wechat_request said = *req;
    size_t len;
    char *text;
    bool good;

    if (!timestamp_check(c->timestamp, req->now_s, err))
        return false;
    if (strcmp(c->serial, merchant->serial) != 0)
        return err_set(err, ERR_UNAUTHENTICATED, "wechat_serial", "no key with serial '%s'", c->serial);
    said.now_s = strtoll(c->timestamp, NULL, 10);
    said.nonce = c->nonce;
    text = request_text(&said, &len);
    good = signature_good(merchant->key, text, len, c->signature);
    free(text);
    return good ||
           err_set(err, ERR_UNAUTHENTICATED, "wechat_signature", "the signature is not the merchant's");
}

/* ---------------------------------------------------------------- resources */

static EVP_CIPHER_CTX *gcm(bool sealing, const uint8_t key[WECHAT_API_KEY], const char *nonce,
                           const char *associated)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;

    sure(ctx &&
         EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, (const uint8_t *)nonce, sealing ? 1 : 0) == 1 &&
         EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)associated, (int)strlen(associated)) == 1);
    return ctx;
}

bool wechat_open(char **out, size_t *out_len, const uint8_t key[WECHAT_API_KEY], const char *nonce,
                 const char *associated, const char *ciphertext, struct err *err)
{
    size_t len = 0;
    uint8_t *sealed = unbase64(ciphertext, &len), last[TAG];
    EVP_CIPHER_CTX *ctx;
    char *plain;
    bool ok;
    int n = 0;

    if (!sealed || len <= TAG || strlen(nonce) != NONCE || strlen(associated) > CIPHER_MAX) {
        free(sealed);
        return err_set(err, ERR_CORRUPT, "wechat_resource", "no sealed resource");
    }
    plain = mem_new(len - TAG + 1);
    ctx = gcm(false, key, nonce, associated);
    ok = EVP_CipherUpdate(ctx, (uint8_t *)plain, &n, sealed, (int)(len - TAG)) == 1 &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG, sealed + len - TAG) == 1 &&
         EVP_CipherFinal_ex(ctx, last, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    free(sealed);
    if (!ok) {
        crypto_wipe(plain, len - TAG); /* unauthenticated text goes nowhere */
        free(plain);
        return err_set(err, ERR_CORRUPT, "wechat_resource", "the resource was not sealed with our key");
    }
    *out = plain;
    *out_len = len - TAG;
    return true;
}

char *wechat_seal(const uint8_t key[WECHAT_API_KEY], const char *nonce, const char *associated,
                  const char *plain, size_t len)
{
    EVP_CIPHER_CTX *ctx = gcm(true, key, nonce, associated);
    uint8_t *sealed = mem_new(len + TAG), last[TAG];
    char *out;
    int n = 0;

    sure(len <= CIPHER_MAX / 2 && strlen(nonce) == NONCE &&
         EVP_CipherUpdate(ctx, sealed, &n, (const uint8_t *)plain, (int)len) == 1 &&
         EVP_CipherFinal_ex(ctx, last, &n) == 1 &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG, sealed + len) == 1);
    EVP_CIPHER_CTX_free(ctx);
    out = base64(sealed, len + TAG);
    free(sealed);
    return out;
}
