/* janus.c - Debian's Janus with its video room, spoken to over a unix socket: one session, one handle per peer.
 *
 * It runs as its own documentation advises for many viewers: ICE-lite as ours, two event loops (this machine's cores;
 * without them each handle is a thread and costs more), no other plugin, no log below warnings.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/json.h"
#include "core/mem.h"
#include "tests/load/sfu/server.h"

#define PATIENCE_US (10 * US_PER_S)
#define ROOM        1234
#define ANSWER_MAX  (256 * 1024)

struct server {
    struct loop *loop;
    pid_t pid;
    int fd;
    struct loop_watch *watch;
    struct loop_timer *alive;
    json_int_t session, publisher;
    unsigned next; /* transaction */
    char waiting[16];
    json_t *answer; /* to the transaction waited for, or its event */
};

static const char PROGRAM[] = "/usr/bin/janus";

const char *server_janus_missing(void)
{
    return access(PROGRAM, X_OK) == 0 ? NULL : "janus is not installed (apt-get install janus)";
}

/* --- its API ---------------------------------------------------------------------------------------------- */

/* Events of the video room carry the transaction of their cause; "ack" only says that the event will come. */
static void on_readable(void *arg, uint32_t events)
{
    static char text[ANSWER_MAX];
    struct server *s = arg;
    ssize_t n = recv(s->fd, text, sizeof text - 1, MSG_DONTWAIT);

    (void)events;
    if (n <= 0) {
        if (n == 0)
            loop_watch_set(s->watch, 0);
        return;
    }
    json_t *doc = json_loadb(text, (size_t)n, 0, NULL);
    const char *kind = json_string_value(json_object_get(doc, "janus"));
    const char *transaction = json_string_value(json_object_get(doc, "transaction"));
    if (kind && transaction && strcmp(kind, "ack") != 0 && strcmp(transaction, s->waiting) == 0 && !s->answer)
        s->answer = json_incref(doc);
    json_decref(doc);
}

static bool ask(struct server *s, json_t *request, json_t **answer, struct err *err)
{
    int64_t until = clock_mono_us() + PATIENCE_US;

    snprintf(s->waiting, sizeof s->waiting, "t%u", s->next++);
    json_object_set_new(request, "transaction", json_string(s->waiting));
    if (s->session)
        json_object_set_new(request, "session_id", json_integer(s->session));
    char *text = json_dumps(request, JSON_COMPACT);
    ssize_t sent = send(s->fd, text, strlen(text), 0);
    free(text);
    json_decref(request);
    if (sent < 0)
        return err_errno(err, "send to janus");
    while (!s->answer && clock_mono_us() < until)
        loop_turn(s->loop, 20);
    *answer = s->answer;
    s->answer = NULL;
    if (!*answer)
        return err_set(err, ERR_AGAIN, "janus_silent", "janus did not answer");
    json_t *data = json_object_get(json_object_get(*answer, "plugindata"), "data");
    if (json_object_get(*answer, "error") || json_object_get(data, "error")) {
        text = json_dumps(*answer, JSON_COMPACT);
        err_set(err, ERR_INVALID, "janus_refused", "%.300s", text);
        free(text);
        json_decref(*answer);
        *answer = NULL;
        return false;
    }
    return true;
}

static bool id_of(struct server *s, json_t *request, json_int_t *id, struct err *err)
{
    json_t *answer = NULL;

    if (!ask(s, request, &answer, err))
        return false;
    *id = json_integer_value(json_object_get(json_object_get(answer, "data"), "id"));
    json_decref(answer);
    return true;
}

static bool message(struct server *s, json_int_t handle, json_t *body, const char *type, const char *sdp,
                    json_t **answer, struct err *err)
{
    json_t *request = json_pack("{s:s, s:I, s:o}", "janus", "message", "handle_id", handle, "body", body);

    if (sdp)
        json_object_set_new(request, "jsep",
                            json_pack("{s:s, s:s, s:b}", "type", type, "sdp", sdp, "trickle", 0));
    return ask(s, request, answer, err);
}

static bool attach(struct server *s, json_int_t *handle, struct err *err)
{
    return id_of(s, json_pack("{s:s, s:s}", "janus", "attach", "plugin", "janus.plugin.videoroom"), handle,
                 err);
}

static void keep_alive(void *arg)
{
    struct server *s = arg;
    json_t *request =
        json_pack("{s:s, s:I, s:s}", "janus", "keepalive", "session_id", s->session, "transaction", "alive");
    char *text = json_dumps(request, JSON_COMPACT);

    if (send(s->fd, text, strlen(text), MSG_DONTWAIT) < 0)
        fprintf(stderr, "janus: keepalive: %s\n", strerror(errno));
    free(text);
    json_decref(request);
}

/* --- life ------------------------------------------------------------------------------------------------- */

static void write_file(const char *folder, const char *name, const char *text)
{
    char *path = mem_format("%s/%s", folder, name);
    FILE *f = fopen(path, "we");

    if (!f || fputs(text, f) < 0 || fclose(f) != 0) {
        perror(path);
        exit(2);
    }
    free(path);
}

static char *library_folder(void)
{
    glob_t found;
    char *folder = NULL;

    if (glob("/usr/lib/*/janus/plugins", 0, NULL, &found) == 0 && found.gl_pathc > 0) {
        folder = mem_str(found.gl_pathv[0]);
        *strrchr(folder, '/') = '\0';
    }
    globfree(&found);
    return folder;
}

static void write_settings(const char *folder, const char *libraries)
{
    char *main = mem_format(
        "general: { configs_folder = \"%s\"; plugins_folder = \"%s/plugins\"; transports_folder = "
        "\"%s/transports\";\n"
        "  debug_level = 3; event_loops = 2; session_timeout = 600; }\n"
        "nat: { ice_lite = true; ice_ignore_list = \"vmnet\"; }\n"
        "media: { ipv6 = false; }\n"
        "plugins: { disable = "
        "\"libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,"
        "libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_streaming.so,libjanus_textroom.so,"
        "libjanus_videocall.so,libjanus_voicemail.so\"; }\n"
        "transports: { disable = "
        "\"libjanus_http.so,libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_rabbitmq.so,"
        "libjanus_websockets.so\"; }\n"
        "events: { broadcast = false; }\n",
        folder, libraries, libraries);
    char *unix_socket =
        mem_format("general: { enabled = true; json = \"compact\"; path = \"%s/janus.sock\"; type = "
                   "\"SOCK_SEQPACKET\"; }\n",
                   folder);
    write_file(folder, "janus.jcfg", main);
    write_file(folder, "janus.transport.pfunix.jcfg", unix_socket);
    write_file(folder, "janus.plugin.videoroom.jcfg", "general: { }\n");
    free(main);
    free(unix_socket);
}

/* Version 1.1.2 now and then ends at once ("No Janus API transport is available"): its socket thread runs before it
 * knows that it may. It is started again then. */
static pid_t run_janus(const char *folder)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    char *log = mem_format("%s/log", folder), *config = mem_format("%s/janus.jcfg", folder);
    int fd = open(log, O_CREAT | O_WRONLY | O_APPEND, 0600);

    dup2(fd, 1);
    dup2(fd, 2);
    execl(PROGRAM, "janus", "-F", folder, "-C", config, "-o", (char *)NULL);
    _exit(127);
}

static bool connect_janus(struct server *s, const char *folder, struct err *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int64_t until = clock_mono_us() + PATIENCE_US;

    snprintf(to.sun_path, sizeof to.sun_path, "%s/janus.sock", folder);
    s->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    while (connect(s->fd, (struct sockaddr *)&to, sizeof to) < 0) {
        if (clock_mono_us() > until)
            return err_errno(err, "connect to janus");
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
            s->pid = run_janus(folder);
        usleep(20000);
    }
    s->watch = loop_watch(s->loop, s->fd, EPOLLIN, on_readable, s);
    return true;
}

static bool make_room(struct server *s, struct err *err)
{
    json_int_t handle;
    json_t *answer = NULL;

    if (!id_of(s, json_pack("{s:s}", "janus", "create"), &s->session, err) || !attach(s, &handle, err))
        return false;
    bool ok = message(s, handle,
                      json_pack("{s:s, s:i, s:i, s:i, s:s, s:s, s:i}", "request", "create", "room", ROOM,
                                "publishers", 6, "bitrate", 0, "audiocodec", "opus", "videocodec", "vp8",
                                "fir_freq", 0),
                      NULL, NULL, &answer, err);
    json_decref(answer);
    return ok;
}

static void stop(struct server *s)
{
    loop_untimer(s->alive);
    loop_unwatch(s->watch);
    if (s->fd >= 0)
        close(s->fd);
    kill(s->pid, SIGTERM);
    for (int i = 0; i < 100 && waitpid(s->pid, NULL, WNOHANG) == 0; i++) {
        usleep(50000);
        if (i == 60)
            kill(s->pid, SIGKILL);
    }
    json_decref(s->answer);
    free(s);
}

static bool start(struct server **out, struct loop *l, const char *folder, struct err *err)
{
    struct server *s = mem_new(sizeof *s);
    char *libraries = library_folder();

    s->loop = l;
    s->fd = -1;
    write_settings(folder, libraries ? libraries : "");
    free(libraries);
    s->pid = run_janus(folder);
    if (!connect_janus(s, folder, err) || !make_room(s, err)) {
        stop(s);
        return false;
    }
    s->alive = loop_timer(l, 20 * US_PER_S, 20 * US_PER_S, keep_alive, s);
    *out = s;
    return true;
}

/* --- peers ------------------------------------------------------------------------------------------------ */

static const char *sdp_of(const json_t *answer)
{
    return json_string_value(json_object_get(json_object_get(answer, "jsep"), "sdp"));
}

/* Our client is always the active side of DTLS, so its offer says so. To a subscriber Janus offers and we answer: our
 * client's own offer has the same lines in the same order (sound, then picture), so its text becomes the answer; without
 * extensions, whose numbers would be Janus's to choose. */
static char *active(const char *offer, bool answer)
{
    char *text = NULL, *copy = mem_str(offer), *rest = copy, *line;
    size_t len;
    FILE *f = open_memstream(&text, &len);

    while ((line = strsep(&rest, "\n"))) {
        if ((answer && strncmp(line, "a=extmap", 8) == 0) || line[0] == '\0')
            continue;
        if (strncmp(line, "a=setup:", 8) == 0)
            fputs("a=setup:active\r\n", f);
        else
            fprintf(f, "%s\n", line);
    }
    fclose(f);
    free(copy);
    return text;
}

static bool publish(struct server *s, struct rtcpeer *p, struct err *err)
{
    json_int_t handle;
    json_t *answer = NULL;
    char *offer = rtcpeer_offer(p), *mine = active(offer, false);

    bool ok = attach(s, &handle, err) &&
              message(s, handle,
                      json_pack("{s:s, s:s, s:i, s:s}", "request", "joinandconfigure", "ptype", "publisher",
                                "room", ROOM, "display", rtcpeer_name(p)),
                      "offer", mine, &answer, err);
    if (ok) {
        json_t *data = json_object_get(json_object_get(answer, "plugindata"), "data");
        s->publisher = json_integer_value(json_object_get(data, "id"));
        ok = sdp_of(answer)
                 ? rtcpeer_answer(p, sdp_of(answer), err)
                 : err_set(err, ERR_INVALID, "janus_refused", "no answer to the publisher's offer");
    }
    free(offer);
    free(mine);
    json_decref(answer);
    return ok;
}

/* The publisher exists for viewers only once its media may flow, a moment after its own DTLS is done. */
static bool join_viewer(struct server *s, json_int_t handle, json_t **event, struct err *err)
{
    for (int64_t until = clock_mono_us() + PATIENCE_US;;) {
        json_t *body = json_pack("{s:s, s:s, s:i, s:[{s:I}]}", "request", "join", "ptype", "subscriber",
                                 "room", ROOM, "streams", "feed", s->publisher);
        if (message(s, handle, body, NULL, NULL, event, err))
            return true;
        if (!strstr(err->text, "No such feed") || clock_mono_us() > until)
            return false;
        err_clear(err);
        loop_turn(s->loop, 50);
    }
}

static bool subscribe(struct server *s, struct rtcpeer *p, struct err *err)
{
    json_int_t handle;
    json_t *event = NULL, *started = NULL;
    char *offer = rtcpeer_offer(p), *mine = active(offer, true);

    bool ok = attach(s, &handle, err) && join_viewer(s, handle, &event, err);
    if (ok && !sdp_of(event))
        ok = err_set(err, ERR_INVALID, "janus_refused", "no offer for the subscriber");
    ok = ok && message(s, handle, json_pack("{s:s}", "request", "start"), "answer", mine, &started, err) &&
         rtcpeer_answer(p, sdp_of(event), err);
    free(offer);
    free(mine);
    json_decref(event);
    json_decref(started);
    return ok;
}

static pid_t server_pid(const struct server *s)
{
    return s->pid;
}

const struct server_kind SERVER_JANUS = {"janus", start, publish, subscribe, server_pid, stop};
