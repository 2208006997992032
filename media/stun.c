/* stun.c - see stun.h. */
#include "media/stun.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include "media/bytes.h"

#define STUN_COOKIE     0x2112a442u
#define FINGERPRINT_XOR 0x5354554eu /* RFC 8489 14.7 */
#define SHA1_LEN        20

enum stun_attr {
    ATTR_USERNAME = 0x0006,
    ATTR_INTEGRITY = 0x0008,
    ATTR_ERROR_CODE = 0x0009,
    ATTR_UNKNOWN = 0x000a,
    ATTR_XOR_MAPPED = 0x0020,
    ATTR_PRIORITY = 0x0024,
    ATTR_USE_CANDIDATE = 0x0025,
    ATTR_FINGERPRINT = 0x8028,
    ATTR_CONTROLLED = 0x8029,
    ATTR_CONTROLLING = 0x802a,
};

/* ---- CRC-32 (ISO 3309) ---- */

static uint32_t crc_table[256];

__attribute__((constructor)) static void crc_init(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
        crc_table[i] = c;
    }
}

static uint32_t fingerprint(const uint8_t *p, size_t len)
{
    uint32_t c = 0xffffffffu;

    for (size_t i = 0; i < len; i++)
        c = crc_table[(c ^ p[i]) & 0xff] ^ (c >> 8);
    return (c ^ 0xffffffffu) ^ FINGERPRINT_XOR;
}

/* The header's length field counts up to and including MESSAGE-INTEGRITY while it is computed (RFC
 * 8489 14.5). */
static bool integrity(const uint8_t *msg, size_t at, const char *password, uint8_t out[SHA1_LEN])
{
    uint8_t head[STUN_MAX];
    unsigned n = SHA1_LEN;

    if (at < STUN_HEADER_LEN || at > sizeof(head))
        return false;
    memcpy(head, msg, at);
    put_be16(head + 2, (uint16_t)(at + 4 + SHA1_LEN - STUN_HEADER_LEN));
    return HMAC(EVP_sha1(), password, (int)strlen(password), head, at, out, &n) != NULL;
}

/* ---- reading ---- */

static bool read_xor_address(const struct stun_msg *m, const uint8_t *v, size_t len, struct addr *out)
{
    uint16_t port;

    if (len < 8)
        return false;
    port = (uint16_t)(get_be16(v + 2) ^ (STUN_COOKIE >> 16));
    memset(out, 0, sizeof(*out));
    if (v[1] == 1) {
        out->in4.sin_family = AF_INET;
        out->in4.sin_port = htons(port);
        out->in4.sin_addr.s_addr = htonl(get_be32(v + 4) ^ STUN_COOKIE);
        return true;
    }
    if (v[1] != 2 || len < 20)
        return false;
    out->in6.sin6_family = AF_INET6;
    out->in6.sin6_port = htons(port);
    for (int i = 0; i < 16; i++)
        out->in6.sin6_addr.s6_addr[i] = v[4 + i] ^ m->data[4 + i]; /* cookie and txid follow each other */
    return true;
}

/* One attribute in front of MESSAGE-INTEGRITY. false: it is malformed. */
static bool read_attr(struct stun_msg *m, uint16_t type, const uint8_t *v, size_t len, size_t at)
{
    switch (type) {
    case ATTR_USERNAME:
        m->username = v;
        m->username_len = len;
        return len <= 2 * STUN_USERNAME_MAX + 1;
    case ATTR_INTEGRITY:
        m->integrity_at = at;
        return len == SHA1_LEN;
    case ATTR_PRIORITY:
        if (len != 4)
            return false;
        m->priority = get_be32(v);
        return true;
    case ATTR_USE_CANDIDATE:
        m->use_candidate = true;
        return len == 0;
    case ATTR_CONTROLLING:
    case ATTR_CONTROLLED:
        if (len != 8)
            return false;
        *(type == ATTR_CONTROLLING ? &m->controlling : &m->controlled) = true;
        m->tie_breaker = get_be64(v);
        return true;
    case ATTR_XOR_MAPPED:
        m->has_mapped = read_xor_address(m, v, len, &m->mapped);
        return m->has_mapped;
    case ATTR_ERROR_CODE:
        if (len < 4)
            return false;
        m->error_code = (uint16_t)((v[2] & 7) * 100 + v[3]);
        return true;
    default:
        if (type < 0x8000 && !m->unknown)
            m->unknown = type;
        return true;
    }
}

bool stun_parse(const uint8_t *data, size_t len, struct stun_msg *out)
{
    size_t at = STUN_HEADER_LEN;

    memset(out, 0, sizeof(*out));
    if (len < STUN_HEADER_LEN || len > STUN_MAX || (data[0] & 0xc0) != 0 ||
        get_be32(data + 4) != STUN_COOKIE || (size_t)get_be16(data + 2) + STUN_HEADER_LEN != len ||
        (len & 3) != 0)
        return false;
    out->type = get_be16(data);
    out->data = data;
    out->len = len;
    out->txid = data + 8;
    while (at + 4 <= len) {
        uint16_t type = get_be16(data + at);
        size_t vlen = get_be16(data + at + 2);
        size_t next = at + 4 + ((vlen + 3) & ~(size_t)3);

        if (next > len)
            return false;
        if (type == ATTR_FINGERPRINT) { /* always the last one */
            if (vlen != 4 || next != len || get_be32(data + at + 4) != fingerprint(data, at))
                return false;
            out->fingerprint_ok = true;
        } else if (!out->integrity_at && !read_attr(out, type, data + at + 4, vlen, at)) {
            return false;
        }
        at = next;
    }
    return at == len;
}

bool stun_check_integrity(const struct stun_msg *m, const char *password)
{
    uint8_t want[SHA1_LEN];

    return m->integrity_at && integrity(m->data, m->integrity_at, password, want) &&
           CRYPTO_memcmp(want, m->data + m->integrity_at + 4, SHA1_LEN) == 0;
}

bool stun_local_ufrag(const struct stun_msg *m, const char **ufrag, size_t *len)
{
    const uint8_t *colon = m->username ? memchr(m->username, ':', m->username_len) : NULL;

    if (!colon)
        return false;
    *ufrag = (const char *)m->username;
    *len = (size_t)(colon - m->username);
    return true;
}

/* ---- writing ---- */

static size_t put_header(uint8_t *out, uint16_t type, const uint8_t *txid)
{
    put_be16(out, type);
    put_be16(out + 2, 0);
    put_be32(out + 4, STUN_COOKIE);
    memcpy(out + 8, txid, STUN_TXID_LEN);
    return STUN_HEADER_LEN;
}

static size_t put_attr(uint8_t *out, size_t at, uint16_t type, const void *v, size_t len)
{
    size_t full = (len + 3) & ~(size_t)3;

    put_be16(out + at, type);
    put_be16(out + at + 2, (uint16_t)len);
    memset(out + at + 4, 0, full);
    if (len)
        memcpy(out + at + 4, v, len);
    return at + 4 + full;
}

static size_t put_tail(uint8_t *out, size_t at, const char *password)
{
    uint8_t mac[SHA1_LEN], crc[4];

    integrity(out, at, password, mac);
    at = put_attr(out, at, ATTR_INTEGRITY, mac, sizeof(mac));
    put_be16(out + 2, (uint16_t)(at + 8 - STUN_HEADER_LEN));
    put_be32(crc, fingerprint(out, at));
    return put_attr(out, at, ATTR_FINGERPRINT, crc, sizeof(crc));
}

size_t stun_write_response(uint8_t *out, const uint8_t txid[STUN_TXID_LEN], const struct addr *mapped,
                           const char *password)
{
    size_t at = put_header(out, STUN_BINDING_RESPONSE, txid);
    uint8_t v[20] = {0};
    size_t len = 8;

    put_be16(v + 2, (uint16_t)(addr_port(mapped) ^ (STUN_COOKIE >> 16)));
    if (mapped->sa.sa_family == AF_INET6) {
        v[1] = 2;
        len = 20;
        for (int i = 0; i < 16; i++)
            v[4 + i] = mapped->in6.sin6_addr.s6_addr[i] ^ out[4 + i];
    } else {
        v[1] = 1;
        put_be32(v + 4, ntohl(mapped->in4.sin_addr.s_addr) ^ STUN_COOKIE);
    }
    at = put_attr(out, at, ATTR_XOR_MAPPED, v, len);
    return put_tail(out, at, password);
}

size_t stun_write_error(uint8_t *out, const uint8_t txid[STUN_TXID_LEN], uint16_t code, uint16_t unknown_attr,
                        const char *password)
{
    size_t at = put_header(out, STUN_BINDING_ERROR, txid);
    uint8_t v[4] = {0, 0, (uint8_t)(code / 100), (uint8_t)(code % 100)};
    uint8_t attr[2];

    at = put_attr(out, at, ATTR_ERROR_CODE, v, sizeof(v));
    if (unknown_attr) {
        put_be16(attr, unknown_attr);
        at = put_attr(out, at, ATTR_UNKNOWN, attr, sizeof(attr));
    }
    return put_tail(out, at, password);
}

size_t stun_write_request(uint8_t out[STUN_MAX], const struct stun_request *r)
{
    size_t at = put_header(out, STUN_BINDING_REQUEST, r->txid);
    size_t name = strlen(r->username);
    uint8_t v[8];

    if (name > STUN_USERNAME_MAX)
        return 0;
    at = put_attr(out, at, ATTR_USERNAME, r->username, name);
    put_be32(v, r->priority);
    at = put_attr(out, at, ATTR_PRIORITY, v, 4);
    put_be64(v, r->tie_breaker);
    at = put_attr(out, at, ATTR_CONTROLLING, v, 8);
    if (r->use_candidate)
        at = put_attr(out, at, ATTR_USE_CANDIDATE, NULL, 0);
    return put_tail(out, at, r->password);
}
