/* net_address.c - see net_address.h. */
#include "media/net_address.h"

#include <ifaddrs.h>
#include <net/if.h>

static bool add(struct net_addresses *n, const char *p, size_t len, struct err *err)
{
    unsigned at = n->count;

    if (at == NET_ADDRESSES_MAX || len >= INET6_ADDRSTRLEN)
        return err_set(err, ERR_INVALID, "setting_invalid", "media.address: too many, or too long");
    memcpy(n->text[at], p, len);
    n->text[at][len] = '\0';
    if (!addr_parse(n->text[at], 0, &n->host[at]))
        return err_set(err, ERR_INVALID, "setting_invalid", "media.address: '%s' is not an IP address",
                       n->text[at]);
    n->list[at] = n->text[at];
    n->count++;
    return true;
}

static bool add_local(struct net_addresses *n, struct err *err)
{
    struct ifaddrs *all = NULL;
    char text[INET6_ADDRSTRLEN];

    if (getifaddrs(&all) < 0)
        return err_errno(err, "getifaddrs");
    n->here_only = true;
    add(n, "127.0.0.1", 9, err);
    for (struct ifaddrs *i = all; i && n->count < NET_ADDRESSES_MAX; i = i->ifa_next) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)i->ifa_addr;

        if (!in || in->sin_family != AF_INET || !(i->ifa_flags & IFF_UP) || (i->ifa_flags & IFF_LOOPBACK))
            continue;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
        add(n, text, strlen(text), err);
    }
    freeifaddrs(all);
    return true;
}

bool net_addresses_read(struct net_addresses *out, const char *setting, struct err *err)
{
    memset(out, 0, sizeof(*out));
    if (strcmp(setting, "local") == 0)
        return add_local(out, err);
    while (*setting) {
        size_t len = strcspn(setting, ",");

        if (len && !add(out, setting, len, err))
            return false;
        setting += len + (setting[len] == ',');
    }
    return out->count > 0 || err_set(err, ERR_INVALID, "setting_invalid", "media.address is empty");
}
