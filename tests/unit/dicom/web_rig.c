#include "tests/unit/dicom/web_rig.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/unix_socket.h"
#include "dicom/decoders.h"
#include "dicom/ingest.h"
#include "dicom/web.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_S 60

/* --- the door, as the child plays it: what begins with "good" is kept, all else is no object --- */

struct pushed {
    struct loop *loop;
    ingest_fn *fn;
    void *arg;
    struct ingest_result r;
};

static struct loop *door_loop;

static void settle(void *arg)
{
    struct pushed *p = arg;

    p->fn(p->arg, &p->r);
    free(p);
}

bool ingest_file(struct ingest *in, const struct ingest_source *src, const char *study_uid, int fd,
                 int64_t offset, int64_t length, ingest_fn *settled, void *arg, struct err *err)
{
    struct pushed *p = mem_new(sizeof *p);
    char text[5] = "";

    (void)in;
    (void)src;
    *p = (struct pushed){.loop = door_loop, .fn = settled, .arg = arg};
    if (pread(fd, text, 4, offset) == 4 && !strcmp(text, "busy")) {
        free(p);
        return err_set(err, ERR_AGAIN, "busy", "too much at once");
    }
    snprintf(p->r.study_uid, sizeof p->r.study_uid, "1.2.9");
    if (length >= 4 && !strcmp(text, "good") && (!study_uid || !strcmp(study_uid, "1.2.9"))) {
        p->r.settled = true;
        snprintf(p->r.sop_class, sizeof p->r.sop_class, "1.2.840.10008.5.1.4.1.1.7");
        snprintf(p->r.sop_uid, sizeof p->r.sop_uid, "1.2.9.1.1");
        snprintf(p->r.series_uid, sizeof p->r.series_uid, "1.2.9.1");
    } else {
        p->r.status = 0xC000;
        err_set(&p->r.err, ERR_INVALID, study_uid ? "study_differs" : "not_dicom", "refused");
        if (study_uid)
            snprintf(p->r.sop_uid, sizeof p->r.sop_uid, "1.2.9.1.1");
    }
    loop_defer(door_loop, settle, p);
    return true;
}

/* --- the child --- */

static void serve(const char *dir, const char *conninfo)
{
    struct web_config config = {.conninfo = conninfo, .data = dir, .region_id = 150000, .node = 4};
    struct decoders_config none = {.program = "/nonexistent/yz-decode", .processes = 1};
    struct decoders *decoders = NULL;
    struct err err = ERR_INIT;
    struct web *web = NULL;
    struct ids ids;

    log_init("web-test", LOG_WARN);
    ids_init(&ids, 4);
    if (!loop_new(&config.loop, &err) || !loop_signals(config.loop, NULL, NULL, &err) ||
        !decoders_new(&decoders, config.loop, &none, &err)) {
        log_error("not_started", LERR(&err));
        exit(1);
    }
    door_loop = config.loop;
    config.ids = &ids;
    config.decoders = decoders;
    if (!web_new(&web, &config, &err)) {
        log_error("not_started", LERR(&err));
        exit(1);
    }
    web_run(web);
    web_free(web);
    decoders_free(decoders);
    loop_free(config.loop);
    exit(0);
}

/* --- what is there --- */

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "w");

    CHECK(f != NULL);
    CHECK_INT(fwrite(bytes, 1, len, f), len);
    CHECK_INT(fclose(f), 0);
}

static const char *read_demo(void)
{
    FILE *f = fopen(YZ_SOURCE_DIR "/records/demo.sql", "r");
    static char text[256 * 1024];
    size_t n;

    CHECK(f != NULL);
    n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static void put_objects(struct test *t, const char *dir)
{
    static const char FILE_1[] = "0123456789ABCDEFGH", FILE_2[] = "headJPEGmoreLSend.";
    static const char INDEX_1[] =
        "{\"syntax\":\"1.2.840.10008.1.2.1\",\"frames_reason\":\"\",\"deflated\":false}\n"
        "{\"source\":\"native\",\"n\":2,\"offset\":10,\"frame_bits\":32}\n"
        "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR "
        "192\"]},\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":"
        "\"王^小东\"}]},\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"/bulkdata/7FE00010\"}}\n";
    static const char INDEX_2[] =
        "{\"syntax\":\"1.2.840.10008.1.2.4.80\",\"frames_reason\":\"\",\"deflated\":false}\n"
        "{\"source\":\"single\",\"n\":1,\"deflated\":false,\"frames\":[[[4,4],[12,2]]]}\n"
        "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 192\"]}}\n";

    write_file(test_path(t, dir, "imaging/150000/7001/1.dcm"), FILE_1, sizeof FILE_1 - 1);
    write_file(test_path(t, dir, "imaging/150000/7001/1.json"), INDEX_1, sizeof INDEX_1 - 1);
    write_file(test_path(t, dir, "imaging/150000/7001/2.dcm"), FILE_2, sizeof FILE_2 - 1);
    write_file(test_path(t, dir, "imaging/150000/7001/2.json"), INDEX_2, sizeof INDEX_2 - 1);
}

static void put_rows(void)
{
    pg_sql(read_demo());
    pg_sql("INSERT INTO records.studies (region_id, id, tenant_id, study_uid, patient_name, patient_no, "
           "patient_sex, patient_birth, "
           "  accession_no, modality, description, study_at, state, n_series, n_instances, bytes, first_at, "
           "last_at, complete_at) "
           "VALUES (150000, 7001, 21, '" STUDY_A
           "', 'Wang^XiaoDong=王^小东', '102', 'M', '19550902', 'ACC1', 'CT', 'Thorax', "
           "        '2026-01-05 10:20:30+08', 'complete', 1, 2, 36, now(), now(), now()),"
           "       (150000, 7002, 21, '1.2.826.1.200', '李^四', '77', 'F', '', '', 'ECG', '', NULL, "
           "'arriving', 0, 0, 0, now() - interval '1 day', now(), NULL),"
           "       (150000, 7003, 11, '1.2.826.1.300', '王^五', '78', 'F', '', '', 'CT', '', NULL, "
           "'arriving', 0, 0, 0, now(), now(), NULL);"
           "INSERT INTO dicom.series (region_id, id, tenant_id, study_id, series_uid, modality, number, "
           "description, n_instances, version, first_at) "
           "VALUES (150000, 7101, 21, 7001, '" SERIES_A "', 'CT', 1, 'axial', 2, 2, now());"
           "INSERT INTO dicom.instances (region_id, id, tenant_id, study_id, series_id, sop_uid, sop_class, "
           "transfer_syntax, number, path, "
           "  index_path, bytes, data_begin, sha256, rows, cols, frames, bits_allocated, received_at) "
           "VALUES (150000, 7201, 21, 7001, 7101, '" INSTANCE_A
           "', '1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.1.2.1', 1, "
           "        '150000/7001/1.dcm', '150000/7001/1.json', 18, 1, decode(repeat('00', 32), 'hex'), 1, 4, "
           "2, 8, now()),"
           "       (150000, 7202, 21, 7001, 7101, '1.2.826.1.100.1.2', '1.2.840.10008.5.1.4.1.1.2', "
           "'1.2.840.10008.1.2.4.80', 2, "
           "        '150000/7001/2.dcm', '150000/7001/2.json', 18, 1, decode(repeat('00', 32), 'hex'), 1, 4, "
           "1, 8, now());");
}

static int dial(struct web_rig *r)
{
    const char *path = test_path(r->t, r->dir, "run/dicomd.sock");
    int64_t deadline = test_deadline_us(WAIT_S * 1000);
    int fd = -1;

    while (!unix_socket_connect(&fd, path, SOCK_STREAM, NULL)) {
        CHECK_INT(waitpid(r->pid, NULL, WNOHANG), 0);
        CHECK(clock_mono_us() < deadline);
        poll(NULL, 0, 20);
    }
    return fd;
}

static void stop(void *arg)
{
    struct web_rig *r = arg;
    int status = -1;

    kill(r->pid, SIGTERM);
    waitpid(r->pid, &status, 0);
    free(r);
    CHECK_INT(status, 0); /* also: no leak, nothing undefined */
}

struct web_rig *web_rig_start(struct test *t)
{
    static const char *const FOLDERS[] = {"run",   "imaging",   "imaging/150000", "imaging/150000/7001",
                                          "nginx", "nginx/tmp", "nginx/tmp/body"};
    struct web_rig *r = mem_new(sizeof *r);
    static bool filled;

    r->t = t;
    r->dir = test_dir(t);
    for (size_t i = 0; i < sizeof FOLDERS / sizeof *FOLDERS; i++)
        mkdir(test_path(t, r->dir, FOLDERS[i]), 0700);
    if (!filled)
        put_rows();
    filled = true;
    put_objects(t, r->dir);
    fflush(NULL);
    r->pid = fork();
    if (r->pid == 0)
        serve(r->dir, pg_conninfo("yz_dicomd"));
    test_cleanup(t, stop, r);
    close(dial(r));
    return r;
}

/* --- the client --- */

static struct web_answer answer;
static char received[8 << 20];

static void unchunk(char *body, size_t len)
{
    size_t used = 0;
    char *p = body, *end = body + len;

    while (p < end) {
        size_t n = strtoul(p, &p, 16);
        CHECK(p + 2 + n + 2 <= end && !memcmp(p, "\r\n", 2) && !memcmp(p + 2 + n, "\r\n", 2));
        if (!n)
            break;
        memmove(body + used, p + 2, n);
        used += n;
        p += n + 4;
    }
    body[used] = '\0';
    answer.len = used;
}

static const struct web_answer *take(struct web_rig *r, const char *text)
{
    int fd = dial(r);
    size_t len = 0;
    char *body;

    CHECK_INT(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        ssize_t n;
        CHECK_INT(poll(&p, 1, WAIT_S * 1000), 1);
        n = recv(fd, received + len, sizeof received - 1 - len, 0);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    close(fd);
    received[len] = '\0';
    memset(&answer, 0, sizeof answer);
    body = strstr(received, "\r\n\r\n");
    if (!body)
        return &answer;
    CHECK((size_t)(body - received) < sizeof answer.head);
    memcpy(answer.head, received, (size_t)(body - received) + 2);
    answer.status = atoi(received + 9);
    answer.body = body + 4;
    answer.len = len - (size_t)(answer.body - received);
    if (web_answer_says(&answer, "Transfer-Encoding: chunked"))
        unchunk(answer.body, answer.len);
    return &answer;
}

const struct web_answer *web_rig_ask(struct web_rig *r, const char *method, const char *path,
                                     const char *line, const char *more)
{
    char *text =
        mem_format("%s %s HTTP/1.1\r\nHost: clinic.example\r\nConnection: close\r\n%s%s%s%s\r\n", method,
                   path, line ? "X-Yz-Identity: " : "", line ? line : "", line ? "\r\n" : "", more);
    const struct web_answer *a = take(r, text);

    free(text);
    return a;
}

const struct web_answer *web_rig_get(struct web_rig *r, const char *path, const char *line,
                                     const char *accept)
{
    char *more = accept ? mem_format("Accept: %s\r\n", accept) : mem_str("");
    const struct web_answer *a = web_rig_ask(r, "GET", path, line, more);

    free(more);
    return a;
}

const struct web_answer *web_rig_store(struct web_rig *r, const char *path, const char *line,
                                       const char *type, const char *body, size_t len)
{
    const char *file = test_path(r->t, r->dir, "nginx/tmp/body/0000000001");
    char *more = mem_format("Content-Type: %s\r\nContent-Length: 0\r\nX-Body-File: %s\r\n", type, file);
    const struct web_answer *a;

    write_file(file, body, len);
    a = web_rig_ask(r, "POST", path, line, more);
    free(more);
    return a;
}

bool web_answer_says(const struct web_answer *a, const char *text)
{
    return strstr(a->head, text) != NULL;
}
