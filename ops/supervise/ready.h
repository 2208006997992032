/* ready.h - does a process accept on its socket? Connects and hangs up; no byte is sent.
 * Runs anywhere. A unix socket may be STREAM or SEQPACKET. Loopback TCP answers at once, so nothing waits. */
#pragma once
#include <stdbool.h>

/** @param where "unix:PATH" or "tcp:IPV4:PORT"; NULL is always ready */
bool ready_probe(const char *where);
