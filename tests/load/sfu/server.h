/* server.h - an SFU under measurement, ours or another: started in a folder of its own, joined, ended.
 *
 * Runs on one loop; the calls turn it until the answer is there. What a server prints goes to <folder>/log.
 */
#pragma once
#include <sys/types.h>
#include "tests/load/rtc/rtcpeer.h"

struct server;
struct server_kind {
    const char *name;
    bool (*start)(struct server **out, struct loop *l, const char *folder, struct err *err);
    /** Send an offer's lines as the room's only publisher. */
    bool (*publish)(struct server *s, struct rtcpeer *p, struct err *err);
    /** Receive what the publisher sends. */
    bool (*subscribe)(struct server *s, struct rtcpeer *p, struct err *err);
    pid_t (*pid)(const struct server *s);
    void (*stop)(struct server *s);
};

extern const struct server_kind SERVER_YUNZHEN, SERVER_JANUS;
/** Where yz-mediad is; before the first start. */
void server_yunzhen_program(const char *path);
/** NULL when this machine has it, else the words why not. */
const char *server_janus_missing(void);
