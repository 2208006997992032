/* Messages of the live socket: refused with a word, or read into fields within their bounds. */
#include "signaling/socket_message.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct socket_message m;
    struct err err = ERR_INIT;
    bool ok = socket_message_parse(&m, data, len, &err);

    if (ok != (err.code == ERR_NONE) || strlen(m.id) > SOCKET_ID_MAX)
        abort();
    if (ok && (m.type == SOCKET_JOIN || m.type == SOCKET_OFFER) && (m.visit_id <= 0 || !*m.id))
        abort();
    if (ok && m.type == SOCKET_VIEW && !json_is_object(m.state))
        abort();
    if (ok && m.type == SOCKET_POINTER &&
        !(m.pointer.x <= SOCKET_POINT_MAX && m.pointer.y <= SOCKET_POINT_MAX && *m.pointer.instance))
        abort();
    socket_message_free(&m);
    return 0;
}
