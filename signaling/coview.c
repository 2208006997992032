#include "signaling/coview.h"
#include "core/clock.h"
#include "core/json.h"
#include "signaling/seat.h"
#include "signaling/socket.h"
#include "signaling/visit.h"

#define POINTER_COST_US (US_PER_S / POINTERS_PER_S)

static void send_others(const struct seat *from, struct socket_text *text)
{
    for (const struct seat *seat = from->visit->seats; seat; seat = seat->next)
        if (seat != from && seat->socket && seat_rights(seat))
            socket_send_text(seat->socket, text);
}

void coview_view(struct seat *from, const json_t *state)
{
    struct visit *visit = from->visit;
    json_t *doc = json_pack("{s:s, s:o, s:o, s:O}", "t", "view", "visit_id", json_id(visit->id), "seat_id",
                            json_id(from->id), "state", state);

    coview_end(visit);
    visit->view = socket_text_new(doc);
    json_decref(doc);
    send_others(from, visit->view);
}

void coview_pointer(struct seat *from, const struct pointer *p)
{
    struct socket_text *text;
    json_t *doc;

    if (!bucket_take(&from->pointers, POINTER_COST_US, US_PER_S, clock_mono_us()))
        return;
    doc =
        json_pack("{s:s, s:o, s:o, s:f, s:f, s:b, s:s}", "t", "pointer", "visit_id", json_id(from->visit->id),
                  "seat_id", json_id(from->id), "x", p->x, "y", p->y, "on", p->on, "instance", p->instance);
    text = socket_text_new(doc);
    json_decref(doc);
    send_others(from, text);
    socket_text_unref(text);
}

void coview_show(const struct seat *to)
{
    if (to->visit->view && to->socket && seat_rights(to))
        socket_send_text(to->socket, to->visit->view);
}

void coview_end(struct visit *visit)
{
    if (visit->view)
        socket_text_unref(visit->view);
    visit->view = NULL;
}
