#include "signaling/settings.h"

/* clang-format off */
const struct config_setting SIGNALD_SETTINGS[] = {
    CONFIG_COMMON,
    {"region", CONFIG_INT, "150000", 1, 999999, "division code", false, false, "The region (shard) this process serves."},
    {"db", CONFIG_STR, "", 0, 0, "conninfo", false, true, "PostgreSQL; empty means the private cluster below the data folder."},
    {"db.short", CONFIG_INT, "4", 1, 12, "connections", false, false, "Connections that share short pipelined statements."},
    {"db.tx", CONFIG_INT, "2", 1, 4, "connections", false, false, "Connections for transactions."},
    {"media.workers", CONFIG_INT, "1", 1, 64, "processes", false, false, "Media workers to connect to: run/mediad-0.sock and so on."},
    {"media.audio_chairs", CONFIG_INT, "6", 1, 30, "m-lines", true, false, "Recvonly audio m-lines a browser offers."},
    {"media.video_chairs", CONFIG_INT, "6", 1, 30, "m-lines", true, false, "Recvonly video m-lines a browser offers."},
    {"turn.urls", CONFIG_STR, "", 0, 0, "urls", true, false, "TURN servers for browsers, with spaces between; empty: none."},
    {"turn.secret", CONFIG_STR, "", 0, 0, "", true, true, "coturn's static-auth-secret, from which short-lived credentials are made."},
    {"signald.origins", CONFIG_STR, "", 0, 0, "origins", true, false, "Origins besides the own host that may call with a cookie, with spaces between."},
    {"site.origin", CONFIG_STR, "", 0, 0, "origin", true, false, "Where the code on a printed report leads, as https://clinic.example; empty: the address the printing browser used."},
    {"signald.request_burst", CONFIG_INT, "200", 10, 100000, "requests", false, false, "Requests an account may make at once."},
    {"signald.requests_per_minute", CONFIG_INT, "1200", 10, 1000000, "requests", false, false, "Requests an account may make in a minute."},
    {"signald.login_burst", CONFIG_INT, "10", 1, 1000, "attempts", false, false, "Attempts to log in as one name from one address; ten times as many from one address in all."},
    {"signald.logins_per_minute", CONFIG_INT, "6", 1, 1000, "attempts", false, false, "How many of those attempts come back each minute."},
    {0},
};
/* clang-format on */
