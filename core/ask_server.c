#include "core/ask_server.h"
#include "core/json.h"
#include "core/log.h"
#include "core/mem.h"
#include <stdlib.h>
#include <string.h>

struct conn {
    struct conn *next;
    struct wire *wire;
    uint64_t id;
    bool known; /* has subscribed before */
    enum { DEAF, HEARING_THE_PAST, HEARING } state;
    uint64_t sent_seq;     /* events up to here have gone out */
    uint64_t withheld_seq; /* the newest that came while the past was told; 0: none */
};

struct ask_server {
    struct wire_server *wire;
    struct ask_server_events ev;
    struct conn *conns;
    int64_t region_id;
    uint64_t epoch, last_id, last_seq;
};

static struct conn *conn_find(struct ask_server *s, uint64_t id)
{
    struct conn *c = s->conns;

    while (c && c->id != id)
        c = c->next;
    return c;
}

/* ---------------------------------------------------------------- out */

static void send_refusal(struct wire *w, uint64_t request_id, const struct err *err, const json_t *details)
{
    struct wire_out *o = wire_begin(w, ASK_REFUSED, request_id);
    size_t len = 0;
    char *text = details ? json_text(details, &len) : NULL;

    if (o) {
        ask_put_refused(o, err, text, len);
        wire_send(o);
    }
    free(text);
}

void ask_server_refuse(struct ask_server *s, uint64_t conn_id, uint64_t request_id, const struct err *err,
                       const json_t *details)
{
    struct conn *c = conn_find(s, conn_id);

    if (c)
        send_refusal(c->wire, request_id, err, details);
}

void ask_server_answer(struct ask_server *s, uint64_t conn_id, uint64_t request_id, const json_t *doc)
{
    static const struct err LONG = {ERR_TOO_LARGE, "answer_too_large", "the answer does not fit a frame"};
    struct conn *c = conn_find(s, conn_id);
    struct wire_out *o = c ? wire_begin(c->wire, ASK_ANSWER, request_id) : NULL;
    size_t len;
    char *text;

    if (!o)
        return;
    text = json_text(doc, &len);
    ask_put_answer(o, text, len);
    if (!wire_send(o))
        send_refusal(c->wire, request_id, &LONG, NULL);
    free(text);
}

static void send_hello(struct ask_server *s, struct conn *c)
{
    struct wire_out *o = wire_begin(c->wire, ASK_HELLO, 0);

    if (!o)
        return;
    ask_put_hello(o, &(struct ask_hello){s->region_id, s->epoch, s->last_seq});
    wire_send(o);
}

void ask_server_own(struct ask_server *s, uint64_t epoch, uint64_t last_seq)
{
    s->epoch = epoch;
    s->last_seq = last_seq;
    for (struct conn *c = s->conns; c && epoch; c = c->next)
        send_hello(s, c);
}

static unsigned send_event(struct ask_server *s, struct conn *c, const struct ask_event *ev)
{
    struct wire_out *o = wire_begin(c->wire, ASK_EVENT, 0);
    struct ask_event mine = *ev;

    if (!o)
        return 0; /* full: the subscriber sees the gap and asks for it */
    mine.region_id = s->region_id;
    ask_put_event(o, &mine);
    wire_send(o);
    c->sent_seq = ev->seq;
    return 1;
}

unsigned ask_server_event(struct ask_server *s, const struct ask_event *ev)
{
    unsigned n = 0;

    s->last_seq = ev->seq;
    for (struct conn *c = s->conns; c; c = c->next) {
        if (c->state == HEARING && ev->seq > c->sent_seq)
            n += send_event(s, c, ev);
        else if (c->state == HEARING_THE_PAST)
            c->withheld_seq = ev->seq;
    }
    return n;
}

unsigned ask_server_replay(struct ask_server *s, uint64_t conn_id, const struct ask_event *ev)
{
    struct conn *c = conn_find(s, conn_id);

    return c ? send_event(s, c, ev) : 0;
}

void ask_server_replayed(struct ask_server *s, uint64_t conn_id, uint64_t seq)
{
    struct conn *c = conn_find(s, conn_id);

    if (!c)
        return;
    c->sent_seq = seq;
    if (c->withheld_seq > seq) {
        c->withheld_seq = 0;
        s->ev.on_subscribe(s->ev.arg, conn_id, seq, false);
        return;
    }
    c->state = HEARING;
}

/* ---------------------------------------------------------------- in */

static void on_subscribe(struct ask_server *s, struct conn *c, struct wire_in *in)
{
    struct ask_subscription sub;
    bool first = !c->known;

    if (!ask_get_subscribe(in, &sub) || sub.region_id != s->region_id || !s->ev.on_subscribe)
        return;
    c->state = HEARING_THE_PAST;
    c->withheld_seq = 0;
    c->known = true;
    s->ev.on_subscribe(s->ev.arg, c->id, sub.after_seq ? sub.after_seq : ASK_FROM_NOW, first);
}

static void on_message(void *arg, struct wire *w, struct wire_in *in)
{
    struct ask_server *s = arg;
    struct conn *c = wire_data(w);
    struct ask_request r;

    switch (in->type) {
    case ASK_REQUEST:
        if (ask_get_request(in, &r))
            s->ev.on_request(s->ev.arg, c->id, in->request_id, &r);
        break;
    case ASK_SUBSCRIBE:
        on_subscribe(s, c, in);
        break;
    default:
        in->bad = true;
        break;
    }
    if (!wire_end(in))
        log_error("ask_message_malformed", LI("type", in->type)); /* wire.c closes the connection */
}

static void on_open(void *arg, struct wire *w)
{
    struct ask_server *s = arg;
    struct conn *c = mem_new(sizeof *c);

    c->wire = w;
    c->id = ++s->last_id;
    c->next = s->conns;
    s->conns = c;
    wire_set_data(w, c);
    if (s->epoch)
        send_hello(s, c);
}

static void on_close(void *arg, struct wire *w)
{
    struct ask_server *s = arg;
    struct conn **at = &s->conns, *c = wire_data(w);

    while (*at && *at != c)
        at = &(*at)->next;
    if (*at)
        *at = c->next;
    free(c);
}

/* ---------------------------------------------------------------- life */

bool ask_server_new(struct ask_server **out, struct loop *loop, const char *socket_path, int64_t region_id,
                    const struct ask_server_events *ev, struct err *err)
{
    struct ask_server *s = mem_new(sizeof *s);
    struct wire_events we = {.on_open = on_open, .on_message = on_message, .on_close = on_close, .arg = s};

    s->ev = *ev;
    s->region_id = region_id;
    if (!wire_listen(&s->wire, loop, socket_path, we, err)) {
        free(s);
        return false;
    }
    *out = s;
    return true;
}

void ask_server_free(struct ask_server *s)
{
    if (!s)
        return;
    wire_server_free(s->wire);
    free(s);
}
