/* signald.h - the parts of the daemon, for a part that needs another one. Made and freed by signald.c; each part
 * is described in its own header. One thread. */
#pragma once
#include "core/ids.h"
#include "core/loop.h"
#include "signaling/owner.h"

struct config;
struct db;
struct http_server;
struct limiter;
struct media;
struct owner_link;
struct rooms;
struct sessions;
struct sockets;
struct step_ups;
struct trail;
struct visits;
struct window_check;
struct workers;

struct signald {
    struct loop *loop;
    struct config *config;
    struct db *db;
    struct workers *workers;
    struct ids ids;
    int64_t region_id;
    uint8_t token_key[32];
    char recordings_dir[512];                    /* <data>/recordings */
    char documents_dir[512];                     /* <data>/documents */
    char report_key[512];                        /* <data>/keys/report.key: its public half checks papers */
    int64_t database_away_us, scheduler_away_us; /* UTC, since when; 0: it is there. fanout.c */

    struct http_server *http;
    struct sessions *sessions;
    struct step_ups *step_ups;
    struct limiter *request_limit, *login_limit, *login_ip_limit, *connect_limit;
    struct owner_link *owners[OWNERS_N];
    struct media *media;
    struct rooms *rooms;
    struct visits *visits;
    struct sockets *sockets;
    struct window_check *windows;
    struct trail *trail;
};
