/* net_address.h - which addresses clients are told, and where the port listens for them.
 *
 * A list of IPv4 and IPv6 addresses, each with a socket of its own, so that an answer leaves from where the question came;
 * or `local`: 127.0.0.1 and the other IPv4 addresses of this machine, of which only packets of this machine are taken (the
 * kernel drops forged ones of that kind as martians). It is there because Firefox never pairs its candidates, which are
 * those of real interfaces, with a loopback address.
 */
#pragma once
#include <stdint.h>
#include "core/err.h"
#include "media/addr.h"

#define NET_ADDRESSES_MAX 8

struct net_addresses {
    char text[NET_ADDRESSES_MAX][INET6_ADDRSTRLEN];
    const char *list[NET_ADDRESSES_MAX + 1]; /* into text, NULL at the end */
    struct addr host[NET_ADDRESSES_MAX];
    unsigned count;
    bool here_only; /* `local` */
};

/** @param out must not move afterwards. ERR_INVALID "setting_invalid". */
bool net_addresses_read(struct net_addresses *out, const char *setting, struct err *err);
