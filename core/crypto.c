#include "core/crypto.h"
#include "core/mem.h"
#include <argon2.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* OWASP's smallest recommended argon2id: 19 MiB, two passes, one lane; some 30 to 50 ms on a small server. */
#define ARGON_MEMORY_KIB 19456
#define ARGON_PASSES     2
#define ARGON_LANES      1
#define PASSWORD_MAX     1024

static void sure(int ok)
{
    if (!ok)
        abort(); /* SHA-256 with good arguments fails only for lack of memory */
}

void crypto_random(void *out, size_t len)
{
    uint8_t *p = out;

    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        sure(n > 0);
        p += n;
        len -= (size_t)n;
    }
}

void crypto_sha256(const void *data, size_t len, uint8_t out[SHA256_LEN])
{
    sure(EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL));
}

void crypto_sha1(const void *data, size_t len, uint8_t out[SHA1_LEN])
{
    sure(EVP_Digest(data, len, out, NULL, EVP_sha1(), NULL));
}

struct sha256 {
    EVP_MD_CTX *ctx;
};

struct sha256 *sha256_new(void)
{
    struct sha256 *s = mem_new(sizeof *s);

    s->ctx = EVP_MD_CTX_new();
    sure(s->ctx && EVP_DigestInit_ex(s->ctx, EVP_sha256(), NULL));
    return s;
}

void sha256_update(struct sha256 *s, const void *data, size_t len)
{
    sure(EVP_DigestUpdate(s->ctx, data, len));
}

void sha256_final(struct sha256 *s, uint8_t out[SHA256_LEN])
{
    sure(EVP_DigestFinal_ex(s->ctx, out, NULL));
    EVP_MD_CTX_free(s->ctx);
    free(s);
}

void crypto_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                        uint8_t out[SHA256_LEN])
{
    unsigned n = SHA256_LEN;

    sure(key_len <= INT32_MAX && HMAC(EVP_sha256(), key, (int)key_len, data, len, out, &n) != NULL);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void crypto_wipe(void *p, size_t len)
{
    OPENSSL_cleanse(p, len);
}

/* --- text forms --- */

void crypto_hex(const uint8_t *in, size_t len, char *out)
{
    static const char HEX[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        *out++ = HEX[in[i] >> 4];
        *out++ = HEX[in[i] & 15];
    }
    *out = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool crypto_unhex(const char *in, size_t in_len, uint8_t *out, size_t out_len)
{
    if (in_len != 2 * out_len)
        return false;
    for (size_t i = 0; i < out_len; i++) {
        int hi = hex_digit(in[2 * i]), lo = hex_digit(in[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

static const char B64URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t crypto_b64url(const uint8_t *in, size_t len, char *out, size_t cap)
{
    size_t need = (len * 8 + 5) / 6, at = 0;
    unsigned acc = 0;
    int bits = 0;

    if (cap <= need)
        abort(); /* the caller knows the length: our bug */
    for (size_t i = 0; i < len; i++) {
        acc = acc << 8 | in[i];
        for (bits += 8; bits >= 6;) {
            bits -= 6;
            out[at++] = B64URL[acc >> bits & 63];
        }
        acc &= (1U << bits) - 1;
    }
    if (bits)
        out[at++] = B64URL[acc << (6 - bits) & 63];
    out[at] = '\0';
    return at;
}

static int b64url_digit(char c)
{
    const char *p = c ? memchr(B64URL, c, sizeof B64URL - 1) : NULL;

    return p ? (int)(p - B64URL) : -1;
}

bool crypto_unb64url(const char *in, size_t in_len, uint8_t *out, size_t cap, size_t *out_len)
{
    size_t n = in_len * 6 / 8, at = 0;
    unsigned acc = 0;
    int bits = 0;

    if (in_len % 4 == 1 || n > cap)
        return false;
    for (size_t i = 0; i < in_len; i++) {
        int d = b64url_digit(in[i]);
        if (d < 0)
            return false;
        acc = acc << 6 | (unsigned)d;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[at++] = (uint8_t)(acc >> bits);
        }
        acc &= (1U << bits) - 1;
    }
    *out_len = at;
    return acc == 0; /* one spelling per value: the bits left over are zero */
}

/* --- passwords --- */

bool crypto_password_hash(const char *password, char out[128], struct err *err)
{
    uint8_t salt[16];
    size_t len = strlen(password);
    int rc;

    if (len > PASSWORD_MAX)
        return err_set(err, ERR_TOO_LARGE, "password_too_long", "a password has at most %d bytes",
                       PASSWORD_MAX);
    crypto_random(salt, sizeof salt);
    rc = argon2id_hash_encoded(ARGON_PASSES, ARGON_MEMORY_KIB, ARGON_LANES, password, len, salt, sizeof salt,
                               SHA256_LEN, out, 128);
    if (rc != ARGON2_OK)
        return err_set(err, ERR_INTERNAL, "password_hash", "argon2id: %s", argon2_error_message(rc));
    return true;
}

bool crypto_password_verify(const char *password, const char *encoded)
{
    size_t len = strlen(password);

    return len <= PASSWORD_MAX && argon2id_verify(encoded, password, len) == ARGON2_OK;
}

/* --- bearer tokens --- */

#define TOKEN_PREFIX "yz1."
#define TOKEN_MAX    4096
#define MAC_TEXT     43 /* 32 bytes in base64url */

bool token_make(const void *key, size_t key_len, const char *claims, char **out, struct err *err)
{
    uint8_t mac[SHA256_LEN];
    size_t len = strlen(claims), at = sizeof TOKEN_PREFIX - 1;
    size_t cap = at + (len * 8 + 5) / 6 + 1 + MAC_TEXT + 1;
    char *token;

    if (cap > TOKEN_MAX)
        return err_set(err, ERR_TOO_LARGE, "token_too_long", "claims of %zu bytes", len);
    token = mem_new(cap);
    memcpy(token, TOKEN_PREFIX, at);
    at += crypto_b64url((const uint8_t *)claims, len, token + at, cap - at);
    crypto_hmac_sha256(key, key_len, token, at, mac);
    token[at++] = '.';
    crypto_b64url(mac, sizeof mac, token + at, cap - at);
    *out = token;
    return true;
}

bool token_open(const void *key, size_t key_len, const char *token, size_t len, char **claims,
                struct err *err)
{
    static const size_t HEAD = sizeof TOKEN_PREFIX - 1;
    uint8_t mac[SHA256_LEN], theirs[SHA256_LEN];
    size_t mac_len, claims_len, body;
    char *text;

    if (len > TOKEN_MAX || len < HEAD + 1 + 1 + MAC_TEXT || memcmp(token, TOKEN_PREFIX, HEAD) != 0)
        goto bad;
    body = len - MAC_TEXT - 1;
    if (token[body] != '.' || !crypto_unb64url(token + body + 1, MAC_TEXT, theirs, sizeof theirs, &mac_len) ||
        mac_len != sizeof mac)
        goto bad;
    crypto_hmac_sha256(key, key_len, token, body, mac);
    if (!crypto_equal(mac, theirs, sizeof mac))
        goto bad;
    text = mem_new(body);
    if (!crypto_unb64url(token + HEAD, body - HEAD, (uint8_t *)text, body - 1, &claims_len) ||
        memchr(text, '\0', claims_len)) {
        free(text);
        goto bad;
    }
    text[claims_len] = '\0';
    *claims = text;
    return true;
bad:
    return err_set(err, ERR_UNAUTHENTICATED, "token_invalid", "a token of %zu bytes that is not ours", len);
}
