#include "dicom/association.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/metrics.h"
#include "dicom/sop.h"
#include "dicom/ul_fsm.h"

#define APPLICATION_CONTEXT "1.2.840.10008.3.1.1.1"
#define UNSENT_MAX          (32u << 20) /* a peer that asks and does not read */

static struct metric OPEN = METRIC_GAUGE("yz_dicom_associations", "Associations that are established now.");
static struct metric ACCEPTED = METRIC_COUNTER("yz_dicom_associations_total", "Associations accepted.");
static struct metric REJECTED = METRIC_COUNTER(
    "yz_dicom_associations_rejected_total",
    "Associations rejected: wrong called or calling AE title, or too many at once; the log says which.");
static struct metric ABORTED = METRIC_COUNTER("yz_dicom_associations_aborted_total",
                                              "Associations that ended by an abort or a lost connection.");
static struct metric BYTES_IN =
    METRIC_COUNTER("yz_dicom_received_bytes_total", "Bytes received over DICOM associations.");

struct assoc {
    struct ul *ul;
    struct assoc *next, **at;
    int fd;
    struct loop_watch *watch;
    struct loop_timer *artim, *idle;
    enum ul_state state;
    struct sockaddr_storage peer;
    char peer_text[INET6_ADDRSTRLEN], calling[PDU_AE + 1], called[PDU_AE + 1];
    uint32_t peer_max;
    struct assoc_context *context[256]; /* by id; NULL: not accepted */
    uint8_t *in;
    size_t in_cap, in_from, in_to;
    struct pdu_out out;
    size_t out_at;
    bool paused, closing, dead, told, established, reading;
    struct pdu_abort abort; /* what AA-1 and AA-8 send */
    void *data;
};

struct ul {
    struct loop *loop;
    int fd;
    uint16_t port;
    struct loop_watch *watch;
    struct loop_timer *rest; /* the listener's, when there are no descriptors left */
    struct ul_options opt;
    struct ul_events ev;
    struct assoc *list;
    unsigned n_sockets, n_open;
};

static void happen(struct assoc *as, enum ul_event on, const char *why);
static void on_resume(void *arg);

/* ---------------------------------------------------------------- end of one */

static void assoc_free(void *arg)
{
    struct assoc *as = arg;

    *as->at = as->next;
    if (as->next)
        as->next->at = as->at;
    as->ul->n_sockets--;
    for (size_t i = 0; i < 256; i++)
        free(as->context[i]);
    pdu_out_free(&as->out);
    free(as->in);
    free(as);
}

static void tell_gone(struct assoc *as, const char *why)
{
    if (as->established) {
        as->ul->n_open--;
        OPEN.value = as->ul->n_open;
        as->established = false;
    }
    if (as->told)
        return;
    as->told = true;
    as->ul->ev.gone(as->ul->ev.arg, as, why);
}

/* The socket goes now, the memory at the end of the turn: callbacks further down the stack still hold as. */
static void transport_close(struct assoc *as, const char *why)
{
    if (as->dead)
        return;
    as->dead = true;
    as->state = UL_STA1_IDLE;
    loop_unwatch(as->watch);
    loop_untimer(as->artim);
    loop_untimer(as->idle);
    loop_undefer(as->ul->loop, on_resume, as);
    as->watch = NULL;
    as->artim = as->idle = NULL;
    close(as->fd);
    as->fd = -1;
    tell_gone(as, why);
    loop_defer(as->ul->loop, assoc_free, as);
}

/* ---------------------------------------------------------------- out */

static void watch_for(struct assoc *as)
{
    uint32_t want = 0;

    if (as->dead)
        return;
    if (!as->paused)
        want |= EPOLLIN;
    if (as->out_at < as->out.len)
        want |= EPOLLOUT;
    loop_watch_set(as->watch, want);
}

static void flush(struct assoc *as)
{
    while (!as->dead && as->out_at < as->out.len) {
        ssize_t n = send(as->fd, as->out.data + as->out_at, as->out.len - as->out_at, MSG_NOSIGNAL);

        if (n > 0)
            as->out_at += (size_t)n;
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        else {
            happen(as, UL_TRANSPORT_CLOSED, "connection lost while sending");
            return;
        }
    }
    if (as->out_at == as->out.len)
        as->out.len = as->out_at = 0;
    watch_for(as);
}

static void send_abort(struct assoc *as)
{
    pdu_write_abort(&as->out, as->abort);
    flush(as);
}

/* ---------------------------------------------------------------- actions (PS3.8 tables 9-6 to 9-9) */

static void artim_start(struct assoc *as)
{
    if (!as->dead)
        loop_timer_set(as->artim, as->ul->opt.artim_us, 0);
}

static void artim_stop(struct assoc *as)
{
    if (!as->dead)
        loop_timer_set(as->artim, INT64_MAX / 4, 0);
}

static void perform(struct assoc *as, const struct ul_edge *e, const char *why)
{
    switch (e->action) {
    case UL_AE5:
        artim_start(as);
        break;
    case UL_AE6:
        artim_stop(as); /* the judgement follows in take_associate() */
        break;
    case UL_AE7:
    case UL_AR4:
        flush(as);
        if (e->action == UL_AR4)
            artim_start(as);
        break;
    case UL_AE8:
        flush(as);
        artim_start(as);
        break;
    case UL_DT1:
    case UL_AR7:
        flush(as);
        break;
    case UL_DT2:
        break; /* the caller hands the fragments on */
    case UL_AR2:
        as->ul->ev.release(as->ul->ev.arg, as);
        break;
    case UL_AR5:
    case UL_AA5:
    case UL_AA2:
    case UL_AA3:
        transport_close(as, why);
        break;
    case UL_AA4:
        ABORTED.value++;
        transport_close(as, why);
        break;
    case UL_AA1:
    case UL_AA8:
        ABORTED.value++;
        send_abort(as);
        tell_gone(as, why);
        artim_start(as);
        break;
    case UL_AA6:
        break;
    case UL_AA7:
        send_abort(as);
        break;
    case UL_IMPOSSIBLE:
        break;
    }
}

static void happen(struct assoc *as, enum ul_event on, const char *why)
{
    const struct ul_edge *e = as->dead ? NULL : ul_edge(as->state, on);

    if (as->dead)
        return;
    if (!e) { /* an empty field: nothing outside can bring it about */
        log_error("ul_impossible", LS("state", ul_state_name(as->state)), LS("on", ul_event_name(on)));
        transport_close(as, "internal");
        return;
    }
    if (e->action == UL_AA3 || (e->action == UL_AA8))
        log_info("association_broken", LS("ae", as->calling), LS("peer", as->peer_text),
                 LS("state", ul_state_name(as->state)), LS("on", ul_event_name(on)),
                 LS("why", why ? why : e->why));
    as->state = e->to;
    perform(as, e, why ? why : e->why);
}

/* ---------------------------------------------------------------- A-ASSOCIATE */

static bool acceptable(struct assoc *as, struct pdu_associate *rq, struct pdu_reject *rj)
{
    char application[PDU_UID + 1];

    sop_text(application, rq->application);
    *rj = (struct pdu_reject){1, 2, 2}; /* protocol-version-not-supported */
    if (!(rq->version & 1))
        return false;
    *rj = (struct pdu_reject){1, 1, 2}; /* application-context-name-not-supported */
    if (strcmp(application, APPLICATION_CONTEXT) != 0)
        return false;
    return as->ul->ev.judge(as->ul->ev.arg, as, rq, rj);
}

static void remember_contexts(struct assoc *as, const struct pdu_associate *rq)
{
    for (unsigned i = 0; i < rq->n_contexts; i++) {
        const struct pdu_context *c = &rq->context[i];

        if (c->result != PDU_CONTEXT_ACCEPTED)
            continue;
        as->context[c->id] = mem_new(sizeof **as->context);
        sop_text(as->context[c->id]->abstract, c->abstract);
        sop_text(as->context[c->id]->syntax, c->syntax[c->chosen]);
    }
}

static void accept_it(struct assoc *as, struct pdu_associate *rq)
{
    remember_contexts(as, rq);
    as->peer_max = rq->max_length;
    rq->max_length = as->ul->opt.max_pdu;
    rq->implementation_uid = (struct pdu_text){IMPLEMENTATION_UID, strlen(IMPLEMENTATION_UID)};
    rq->implementation_version = (struct pdu_text){IMPLEMENTATION_VERSION, strlen(IMPLEMENTATION_VERSION)};
    pdu_write_associate(&as->out, PDU_ASSOCIATE_AC, rq);
    as->established = true;
    OPEN.value = ++as->ul->n_open;
    ACCEPTED.value++;
    loop_timer_set(as->idle, as->ul->opt.idle_us, 0);
    happen(as, UL_ACCEPT, NULL);
}

static void take_associate(struct assoc *as, const uint8_t *body, size_t len)
{
    struct pdu_associate *rq = mem_new(sizeof *rq);
    struct pdu_reject rj;
    struct err err = ERR_INIT;

    if (!pdu_parse_associate(rq, PDU_ASSOCIATE_RQ, body, len, &err)) {
        as->abort = (struct pdu_abort){2, PDU_ABORT_BAD_PARAMETER};
        happen(as, UL_PDU_INVALID, err.text);
        goto out;
    }
    happen(as, UL_PDU_ASSOCIATE_RQ, NULL);
    if (as->state != UL_STA3_ASKED)
        goto out;
    memcpy(as->calling, rq->calling, sizeof as->calling);
    memcpy(as->called, rq->called, sizeof as->called);
    if (acceptable(as, rq, &rj)) {
        accept_it(as, rq);
    } else {
        REJECTED.value++;
        pdu_write_reject(&as->out, rj);
        happen(as, UL_REJECT, NULL);
    }
out:
    free(rq);
}

/* ---------------------------------------------------------------- in */

static void take_data(struct assoc *as, const uint8_t *body, size_t len)
{
    struct pdu_pdv v;
    struct err err = ERR_INIT;
    size_t at = 0;

    happen(as, UL_PDU_DATA, NULL);
    while (!as->dead && as->state == UL_STA6_READY && pdu_next_pdv(&v, body, len, &at, &err)) {
        if (!as->context[v.context]) {
            assoc_abort(as, 2, PDU_ABORT_BAD_PARAMETER, "a fragment on a context that was not accepted");
            return;
        }
        as->ul->ev.pdv(as->ul->ev.arg, as, as->context[v.context], &v);
    }
    if (err.code != ERR_NONE && as->state == UL_STA6_READY)
        assoc_abort(as, 2, PDU_ABORT_BAD_PARAMETER, err.text);
}

static void take_pdu(struct assoc *as, enum pdu_type type, const uint8_t *body, size_t len)
{
    static const enum ul_event EVENTS[] = {
        [PDU_ASSOCIATE_AC] = UL_PDU_ASSOCIATE_AC,
        [PDU_ASSOCIATE_RJ] = UL_PDU_ASSOCIATE_RJ,
        [PDU_RELEASE_RQ] = UL_PDU_RELEASE_RQ,
        [PDU_RELEASE_RP] = UL_PDU_RELEASE_RP,
        [PDU_ABORT] = UL_PDU_ABORT,
    };
    struct err err = ERR_INIT;

    as->abort = (struct pdu_abort){as->state == UL_STA2_OPEN ? 0 : 2, PDU_ABORT_UNEXPECTED};
    if (as->state == UL_STA2_OPEN)
        as->abort.reason = PDU_ABORT_NO_REASON;
    if (type == PDU_ASSOCIATE_RQ)
        take_associate(as, body, len);
    else if (type == PDU_DATA)
        take_data(as, body, len);
    else if (type == PDU_RELEASE_RQ && !pdu_parse_release(body, len, &err))
        happen(as, UL_PDU_INVALID, err.text);
    else
        happen(as, EVENTS[type], NULL);
}

/* Whole PDUs out of the buffer. Stops when the service has enough for now. */
static void take_pdus(struct assoc *as)
{
    if (as->reading)
        return;
    as->reading = true;
    while (!as->dead && !as->paused && as->in_to - as->in_from >= PDU_HEAD) {
        const uint8_t *p = as->in + as->in_from;
        struct err err = ERR_INIT;
        enum pdu_type type;
        uint32_t len;

        if (!pdu_head(p, as->ul->opt.max_pdu, &type, &len, &err)) {
            as->abort = (struct pdu_abort){2, !strcmp(err.reason, "pdu_unknown") ? PDU_ABORT_UNRECOGNISED
                                                                                 : PDU_ABORT_BAD_PARAMETER};
            as->in_from = as->in_to = 0;
            happen(as, UL_PDU_INVALID, err.text);
            break;
        }
        if (PDU_HEAD + (size_t)len > as->in_cap) {
            as->in_cap = PDU_HEAD + (size_t)len;
            as->in = mem_grow(as->in, as->in_cap);
            p = as->in + as->in_from;
        }
        if (as->in_to - as->in_from < PDU_HEAD + (size_t)len)
            break;
        as->in_from += PDU_HEAD + (size_t)len;
        take_pdu(as, type, p + PDU_HEAD, len);
    }
    as->reading = false;
}

static void on_resume(void *arg)
{
    take_pdus(arg);
}

/* true: there may be more. */
static bool receive(struct assoc *as)
{
    ssize_t n;

    if (as->in_from == as->in_to)
        as->in_from = as->in_to = 0;
    if (as->in_from && as->in_cap - as->in_to < as->in_cap / 2) {
        memmove(as->in, as->in + as->in_from, as->in_to - as->in_from);
        as->in_to -= as->in_from;
        as->in_from = 0;
    }
    if (as->in_to == as->in_cap)
        return true; /* cannot be: a whole PDU was taken out */
    n = recv(as->fd, as->in + as->in_to, as->in_cap - as->in_to, 0);
    if (n > 0) {
        as->in_to += (size_t)n;
        BYTES_IN.value += n;
        if (as->established)
            loop_timer_set(as->idle, as->ul->opt.idle_us, 0);
        take_pdus(as);
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    happen(as, UL_TRANSPORT_CLOSED, n == 0 ? NULL : "connection lost");
    return false;
}

static void on_socket(void *arg, uint32_t events)
{
    struct assoc *as = arg;

    if (events & EPOLLOUT)
        flush(as);
    if (!as->dead && (events & EPOLLIN) && !as->paused)
        receive(as);
    else if (!as->dead && (events & (EPOLLERR | EPOLLHUP)))
        happen(as, UL_TRANSPORT_CLOSED, "connection lost");
}

static void on_artim(void *arg)
{
    struct assoc *as = arg;

    if (as->state == UL_STA2_OPEN || as->state == UL_STA13_CLOSING)
        happen(as, UL_ARTIM, NULL);
}

static void on_idle(void *arg)
{
    struct assoc *as = arg;

    if (as->state == UL_STA6_READY && !as->paused)
        assoc_abort(as, 2, PDU_ABORT_NO_REASON, "nothing came for too long");
}

/* ---------------------------------------------------------------- for the service */

void assoc_set_data(struct assoc *as, void *data)
{
    as->data = data;
}

void *assoc_data(const struct assoc *as)
{
    return as->data;
}

const char *assoc_calling(const struct assoc *as)
{
    return as->calling;
}

const char *assoc_called(const struct assoc *as)
{
    return as->called;
}

const char *assoc_peer(const struct assoc *as)
{
    return as->peer_text;
}

const struct sockaddr_storage *assoc_peer_address(const struct assoc *as)
{
    return &as->peer;
}

size_t assoc_unsent(const struct assoc *as)
{
    return as->out.len - as->out_at;
}

void assoc_send(struct assoc *as, uint8_t context, const struct pdu_out *command, const uint8_t *data,
                size_t len)
{
    if (as->dead || (as->state != UL_STA6_READY && as->state != UL_STA8_RELEASING))
        return;
    if (assoc_unsent(as) > UNSENT_MAX) {
        assoc_abort(as, 0, PDU_ABORT_NO_REASON, "asks and does not read the answers");
        return;
    }
    pdu_write_data(&as->out, context, true, command->data, command->len, as->peer_max);
    if (data)
        pdu_write_data(&as->out, context, false, data, len, as->peer_max);
    happen(as, UL_SEND, NULL);
}

void assoc_pause(struct assoc *as, bool pause)
{
    if (as->dead || as->paused == pause)
        return;
    as->paused = pause;
    watch_for(as);
    if (!pause && as->established)
        loop_timer_set(as->idle, as->ul->opt.idle_us, 0);
    if (!pause && !as->reading) /* what was read ahead goes on from the loop, not from inside the caller */
        loop_defer(as->ul->loop, on_resume, as);
}

void assoc_release(struct assoc *as)
{
    if (as->dead || as->state != UL_STA8_RELEASING)
        return;
    pdu_write_release(&as->out, PDU_RELEASE_RP);
    happen(as, UL_RELEASE, NULL);
    tell_gone(as, "released");
}

void assoc_abort(struct assoc *as, uint8_t source, enum pdu_abort_reason reason, const char *why)
{
    if (as->dead ||
        (as->state != UL_STA3_ASKED && as->state != UL_STA6_READY && as->state != UL_STA8_RELEASING))
        return;
    as->abort = (struct pdu_abort){source, (uint8_t)reason};
    as->paused = false;
    log_info("association_aborted", LS("ae", as->calling), LS("peer", as->peer_text), LS("why", why));
    happen(as, source == 2 ? UL_PDU_INVALID : UL_ABORT, why);
}

void assoc_quick_ack(struct assoc *as)
{
    int on = 1;

    if (!as->dead)
        setsockopt(as->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/* ---------------------------------------------------------------- listening */

static void peer_name(struct assoc *as)
{
    const void *p = as->peer.ss_family == AF_INET6 ? (void *)&((struct sockaddr_in6 *)&as->peer)->sin6_addr
                                                   : (void *)&((struct sockaddr_in *)&as->peer)->sin_addr;

    if (!inet_ntop(as->peer.ss_family, p, as->peer_text, sizeof as->peer_text))
        snprintf(as->peer_text, sizeof as->peer_text, "?");
}

static void assoc_new(struct ul *u, int fd, const struct sockaddr_storage *peer)
{
    struct assoc *as = mem_new(sizeof *as);
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    as->ul = u;
    as->fd = fd;
    as->peer = *peer;
    peer_name(as);
    as->state = UL_STA1_IDLE;
    as->in_cap = 2 * (PDU_HEAD + (size_t)u->opt.max_pdu);
    as->in = mem_grow(NULL, as->in_cap);
    as->next = u->list;
    as->at = &u->list;
    if (u->list)
        u->list->at = &as->next;
    u->list = as;
    u->n_sockets++;
    as->watch = loop_watch(u->loop, fd, EPOLLIN, on_socket, as);
    as->artim = loop_timer(u->loop, INT64_MAX / 4, 0, on_artim, as);
    as->idle = loop_timer(u->loop, INT64_MAX / 4, 0, on_idle, as);
    happen(as, UL_TRANSPORT_OPEN, NULL);
}

static void on_rested(void *arg)
{
    struct ul *u = arg;

    loop_watch_set(u->watch, EPOLLIN);
}

static void on_connection(void *arg, uint32_t events)
{
    struct ul *u = arg;
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;
    int fd = accept4(u->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    (void)events;
    if (fd < 0 &&
        (errno == EMFILE || errno == ENFILE)) { /* it stays readable: the loop would do nothing else */
        log_warn("dicom_descriptors", LI("errno", errno));
        loop_watch_set(u->watch, 0);
        loop_timer_set(u->rest, US_PER_S, 0);
    }
    if (fd < 0)
        return;
    if (u->n_sockets >= u->opt.sockets_max)
        close(fd); /* far above the limit of associations, which are told why */
    else
        assoc_new(u, fd, &peer);
}

static void metrics_once(void)
{
    static struct metric *const ALL[] = {&OPEN, &ACCEPTED, &REJECTED, &ABORTED, &BYTES_IN, NULL};
    static bool done;

    for (struct metric *const *m = ALL; !done && *m; m++)
        metrics_add(*m);
    done = true;
}

bool ul_listen(struct ul **out, struct loop *l, const struct ul_options *opt, const struct ul_events *ev,
               struct err *err)
{
    struct ul *u = mem_new(sizeof *u);

    metrics_once();
    u->loop = l;
    u->opt = *opt;
    u->ev = *ev;
    if (u->opt.max_pdu > PDU_MAX_OFFERED || u->opt.max_pdu < 4096)
        u->opt.max_pdu = PDU_MAX_OFFERED;
    u->fd = ul_socket(opt->address, opt->port, &u->port, err);
    if (u->fd < 0) {
        ul_free(u);
        return false;
    }
    u->watch = loop_watch(l, u->fd, EPOLLIN, on_connection, u);
    u->rest = loop_timer(l, INT64_MAX / 4, 0, on_rested, u);
    *out = u;
    return true;
}

void ul_free(struct ul *u)
{
    if (!u)
        return;
    loop_unwatch(u->watch);
    loop_untimer(u->rest);
    if (u->fd >= 0)
        close(u->fd);
    while (u->list) {
        struct assoc *as = u->list;

        assoc_abort(as, 0, PDU_ABORT_NO_REASON, "stopping");
        transport_close(as, "stopping");
        loop_undefer(u->loop, assoc_free, as);
        assoc_free(as);
    }
    free(u);
}

uint16_t ul_port(const struct ul *u)
{
    return u->port;
}

unsigned ul_count(const struct ul *u)
{
    return u->n_open;
}
