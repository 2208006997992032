/* addr.h - the other end of a UDP path as it comes from the kernel: comparable, hashable, printable. */
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    };
    uint8_t via; /* which socket of ours it was heard on, and is answered from */
};

#define ADDR_TEXT 64

static inline socklen_t addr_len(const struct addr *a)
{
    return a->sa.sa_family == AF_INET6 ? (socklen_t)sizeof(a->in6) : (socklen_t)sizeof(a->in4);
}

static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
    if (a->sa.sa_family != b->sa.sa_family || a->via != b->via)
        return false;
    if (a->sa.sa_family == AF_INET6)
        return a->in6.sin6_port == b->in6.sin6_port && a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
               memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0;
    return a->in4.sin_port == b->in4.sin_port && a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
}

static inline uint64_t hash_mix(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

/** @param seed random per process, so that nobody outside can choose collisions */
static inline uint64_t addr_hash(const struct addr *a, uint64_t seed)
{
    uint64_t w[2];

    if (a->sa.sa_family != AF_INET6)
        return hash_mix(seed ^ a->via ^
                        ((uint64_t)a->in4.sin_addr.s_addr << 24 | (uint64_t)a->in4.sin_port << 8));
    memcpy(w, &a->in6.sin6_addr, 16);
    return hash_mix(hash_mix(seed ^ w[0] ^ a->via) ^ w[1] ^ a->in6.sin6_port);
}

static inline uint16_t addr_port(const struct addr *a)
{
    return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in4.sin_port);
}

static inline bool addr_same_host(const struct addr *a, const struct addr *b)
{
    if (a->sa.sa_family != b->sa.sa_family)
        return false;
    return a->sa.sa_family == AF_INET6 ? memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, 16) == 0
                                       : a->in4.sin_addr.s_addr == b->in4.sin_addr.s_addr;
}

/** "192.0.2.1" or "2001:db8::1"; port 0 .. 65535. */
static inline bool addr_parse(const char *ip, uint16_t port, struct addr *out)
{
    memset(out, 0, sizeof(*out));
    if (inet_pton(AF_INET, ip, &out->in4.sin_addr) == 1) {
        out->in4.sin_family = AF_INET;
        out->in4.sin_port = htons(port);
        return true;
    }
    if (inet_pton(AF_INET6, ip, &out->in6.sin6_addr) == 1) {
        out->in6.sin6_family = AF_INET6;
        out->in6.sin6_port = htons(port);
        return true;
    }
    return false;
}

static inline const char *addr_text(const struct addr *a, char out[ADDR_TEXT])
{
    char ip[INET6_ADDRSTRLEN] = "?";

    if (a->sa.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &a->in6.sin6_addr, ip, sizeof(ip));
        snprintf(out, ADDR_TEXT, "[%s]:%u", ip, addr_port(a));
    } else {
        inet_ntop(AF_INET, &a->in4.sin_addr, ip, sizeof(ip));
        snprintf(out, ADDR_TEXT, "%s:%u", ip, addr_port(a));
    }
    return out;
}
