/* notify.h - callbacks on their way to the merchant: signed, sealed, sent again until he says 2xx, and spoiled when asked for.
 *
 * Sends   HTTP/1.1 POST on a unix socket, one at a time, to the path of the order's notify_url.
 * Owes    what channel.h lists as not done; a kill -9 forgets neither a payment nor that its callback is owed.
 * Runs    on the loop.
 */
#pragma once
#include "billing/sandbox/channel.h"
#include "core/loop.h"

struct notify_config { /* all borrowed */
    struct loop *loop;
    struct channel *channel;
    const char *socket; /* where the merchant listens; "" sends nothing */
    const struct wechat_key *key;
    const char *serial;
    const uint8_t *api_key;
    int64_t retry_us;
};
struct notify_faults { /* of the next so many callbacks */
    int64_t drop;      /* never sent */
    int64_t repeat;    /* sent once more after they were taken */
    int64_t reorder;   /* wait for another one, which goes first */
    int64_t forge;     /* a copy with a signature that is not ours goes first */
    int64_t delay_ms;  /* all of them, from now on */
};

struct notify;
void notify_new(struct notify **out, const struct notify_config *config);
void notify_free(struct notify *n);
struct notify_faults *notify_faults(struct notify *n);
/** Something may be owed now. */
void notify_wake(struct notify *n);
