/* How a visit looks from outside: the API's Visit, and messages to all of its windows. */
#include "core/json.h"
#include "signaling/socket.h"
#include "signaling/identity.h"
#include "signaling/visit.h"
#include <string.h>

static json_t *seat_doc(const struct seat *seat, int64_t account_id)
{
    json_t *doc = json_pack("{s:o, s:s, s:s, s:b, s:b, s:b, s:{s:b, s:b}}", "id", json_id(seat->id), "role",
                            seat->role, "name", seat->name, "present", seat->present, "admitted",
                            seat_rights(seat) != 0, "me", seat->account_id == account_id && account_id != 0,
                            "muted", "audio", seat->muted[0], "video", seat->muted[1]);

    if (seat->account_id)
        json_object_set_new(doc, "account_id", json_id(seat->account_id));
    return doc;
}

json_t *visit_doc(const struct visit *v, int64_t account_id)
{
    json_t *seats = json_array(), *clinic = json_null();

    for (const struct seat *seat = v->seats; seat; seat = seat->next)
        if (!seat->removed)
            json_array_append_new(seats, seat_doc(seat, account_id));
    if (*v->clinic)
        clinic = json_pack("{s:s}", "name", v->clinic);
    return json_pack("{s:o, s:o, s:s, s:s, s:s, s:s, s:b, s:o, s:{s:s, s:s, s:s}, s:o, s:o, s:o, s:o}", "id",
                     json_id(v->id), "order_id", json_id(v->order_id), "room_id", v->room_id, "state",
                     v->state, "channel", v->channel, "kind", v->kind, "recording", v->recording, "seats",
                     seats, "patient", "name", v->patient_name, "age_band", v->patient_age_band, "sex",
                     *v->patient_sex ? v->patient_sex : "unknown", "clinic", clinic, "starts_at",
                     json_time(v->starts_at_us), "started_at", json_time(v->live_at_us), "ended_at",
                     json_time(v->ended_at_us));
}

void visit_tell(const struct visit *v)
{
    for (const struct seat *seat = v->seats; seat; seat = seat->next)
        if (seat->socket)
            socket_send(seat->socket,
                        json_pack("{s:s, s:o}", "t", "visit", "visit", visit_doc(v, seat->account_id)));
}

void visit_send(const struct visit *v, const json_t *doc)
{
    struct socket_text *text = socket_text_new(doc);

    for (const struct seat *seat = v->seats; seat; seat = seat->next)
        if (seat->socket)
            socket_send_text(seat->socket, text);
    socket_text_unref(text);
}
