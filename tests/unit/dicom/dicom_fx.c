#include "tests/unit/dicom/dicom_fx.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/mem.h"
#include "dicom/dataset/dataset_write.h"

static struct dfx *now;     /* the test that runs */
static struct db_sync *eye; /* the superuser's connection of the test that runs */

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static void print_log(const struct dfx *f)
{
    char line[4096];
    FILE *in = fopen(f->log, "re");

    while (in && fgets(line, sizeof line, in))
        print_message("%s", line);
    if (in)
        fclose(in);
}

static void run_file(const char *name)
{
    char *path = mem_format("%s/%s", YZ_SOURCE_DIR, name), *text = mem_new(1 << 20);
    FILE *in = fopen(path, "re");

    CHECK(in != NULL);
    CHECK(fread(text, 1, (1 << 20) - 1, in) > 0);
    fclose(in);
    pg_sql(text);
    free(text);
    free(path);
}

static void on_end(void *arg)
{
    struct dfx *f = arg;

    if (f->pid)
        dfx_stop(f, SIGKILL);
    free(f);
}

struct dfx *dfx_open(struct test *t)
{
    struct dfx *f = mem_new(sizeof *f);

    f->t = t;
    now = f;
    test_cleanup(t, on_end, f);
    f->data = test_dir(t);
    f->log = test_path(t, f->data, "dicomd.log");
    eye = pg_sync(t, PG_SUPERUSER);
    run_file("records/demo.sql");
    run_file("dicom/demo.sql");
    pg_sql(
        "DELETE FROM dicom.instances; DELETE FROM dicom.series; DELETE FROM dicom.quarantine;"
        "UPDATE records.exams SET study_id = NULL; DELETE FROM records.studies; DELETE FROM records.exams;");
    snprintf(f->conninfo, sizeof f->conninfo, "%s", pg_conninfo("yz_dicomd"));
    return f;
}

static bool log_says(const struct dfx *f, const char *word, uint16_t *port)
{
    char line[4096];
    FILE *in = fopen(f->log, "re");
    bool found = false;

    while (in && !found && fgets(line, sizeof line, in)) {
        found = strstr(line, word) != NULL;
        if (found && port)
            *port = (uint16_t)atoi(strstr(line, "\"port\":") + 7);
    }
    if (in)
        fclose(in);
    return found;
}

static void exec_daemon(const struct dfx *f)
{
    char *data = mem_format("--data=%s", f->data), *db = mem_format("--db=%s", f->conninfo);
    char *port = mem_format("--dicom.port=%u", (unsigned)f->port);
    const char *argv[16] = {YZ_DICOMD, data, db, port, "--dicom.decoders=1", "--node=4", "--dicom.quiet=1"};
    int n = 7;

    for (int i = 0; f->arg[i]; i++)
        argv[n++] = f->arg[i];
    dup2(open(f->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves nothing behind */
    execv(YZ_DICOMD, (char **)argv);
    _exit(9);
}

void dfx_start(struct dfx *f)
{
    int64_t until = test_deadline_us(FX_WAIT_MS);

    unlink(f->log);
    f->pid = fork();
    CHECK(f->pid >= 0);
    if (!f->pid)
        exec_daemon(f);
    while (!log_says(f, "\"event\":\"listening\"", &f->port) || !log_says(f, "\"access_list_read\"", NULL)) {
        if (waitpid(f->pid, NULL, WNOHANG) != 0 || clock_mono_us() > until) {
            f->pid = 0;
            print_log(f);
            fail_msg("yz-dicomd does not start");
        }
        nap();
    }
}

int dfx_stop(struct dfx *f, int sig)
{
    int status = 0, pid = f->pid;

    f->pid = 0;
    kill(pid, sig);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

const char *dfx_value(const char *sql)
{
    static char value[1000];
    struct db_stmt stmt = {"test", sql, 0};
    struct db_args none;
    struct db_rows rows;
    struct err err = ERR_INIT;

    db_args_init(&none);
    CHECK_OK(db_sync_query(eye, NULL, &stmt, &none, &rows, &err), &err);
    snprintf(value, sizeof value, "%s", rows.n ? db_str(&rows, 0, 0) : "");
    db_rows_free(&rows);
    return value;
}

int64_t dfx_count(const char *sql)
{
    return strtoll(dfx_value(sql), NULL, 10);
}

void dfx_soon(const char *sql, int64_t want)
{
    int64_t until = test_deadline_us(FX_WAIT_MS);

    while (dfx_count(sql) != want && clock_mono_us() < until)
        nap();
    if (dfx_count(sql) != want)
        print_log(now);
    CHECK_INT(dfx_count(sql), want);
}

int dfx_run(struct dfx *f, char *out, size_t cap, const char *fmt, ...)
{
    char *command = NULL, *whole;
    va_list ap;
    FILE *p;
    size_t n;

    va_start(ap, fmt);
    CHECK(vasprintf(&command, fmt, ap) > 0);
    va_end(ap);
    (void)f;
    whole = mem_format("LSAN_OPTIONS=detect_leaks=0 %s 2>&1", command);
    p = popen(whole, "re");
    CHECK(p != NULL);
    n = fread(out, 1, cap - 1, p);
    for (char *c = out;
         (c = memchr(c, '\0', n - (size_t)(c - out)));) { /* UIDs are printed with their padding */
        memmove(c, c + 1, n - (size_t)(c - out) - 1);
        n--;
    }
    out[n] = '\0';
    while (fgetc(p) != EOF)
        ;
    free(whole);
    free(command);
    return pclose(p);
}

int dfx_files(const struct dfx *f, const char *name)
{
    char *path = mem_format("%s/imaging/%s", f->data, name);
    DIR *d = opendir(path);
    struct dirent *e;
    int n = 0;

    while (d && (e = readdir(d)))
        n += strstr(e->d_name, ".dcm") || strstr(e->d_name, ".json");
    if (d)
        closedir(d);
    free(path);
    return n;
}

/* ---------------------------------------------------------------- images */

static const char * or (const char *s, const char *otherwise)
{
    return s ? s : otherwise;
}

uint8_t *dfx_image(const struct dfx_image *im, size_t *len)
{
    struct dataset_out *o = dataset_out_new(EXPLICIT);
    size_t n = im->pixels ? im->pixels : 64;
    uint8_t *pixels = mem_new(n);

    memset(pixels, im->fill, n);
    dataset_out_charset(o, CHARSET_UTF8);
    dataset_out_uid(o, TAG_SOPClassUID, or (im->sop_class, CT_IMAGE));
    dataset_out_uid(o, TAG_SOPInstanceUID, or (im->sop, "1.2.3.4"));
    dataset_out_text(o, TAG_StudyDate, "20261121");
    dataset_out_text(o, TAG_StudyTime, "101500");
    dataset_out_text(o, TAG_AccessionNumber, im->accession);
    dataset_out_text(o, TAG_Modality, or (im->modality, "CT"));
    dataset_out_text(o, TAG_PatientName, or (im->patient_name, "王^小东"));
    dataset_out_text(o, TAG_PatientID, or (im->patient_no, "P1"));
    dataset_out_uid(o, TAG_StudyInstanceUID, or (im->study, "1.2.3"));
    dataset_out_uid(o, TAG_SeriesInstanceUID, or (im->series, "1.2.3.1"));
    dataset_out_int(o, TAG_SeriesNumber, 1);
    dataset_out_int(o, TAG_InstanceNumber, 1);
    dataset_out_int(o, TAG_Rows, 8);
    dataset_out_int(o, TAG_Columns, (int64_t)(n / 8));
    dataset_out_int(o, TAG_BitsAllocated, 8);
    dataset_out_bytes(o, TAG_PixelData, VR_OB, pixels, n);
    free(pixels);
    return dataset_out_done(o, len);
}

void dfx_write_meta(FILE *f, const char *sop_class, const char *sop, const char *syntax)
{
    size_t len;
    uint8_t *meta = dataset_meta_write(sop_class, sop, syntax, "CT1", &len);

    CHECK_INT(fwrite(meta, 1, len, f), len);
    free(meta);
}

void dfx_reap(int pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

/* ---------------------------------------------------------------- a user */

void scu_connect(struct scu *s, const struct dfx *f)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(f->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = FX_WAIT_MS / 1000};

    *s = (struct scu){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                      .in = mem_new(PDU_HEAD + PDU_ASSOCIATE_MAX)};
    setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    CHECK_INT(connect(s->fd, (struct sockaddr *)&a, sizeof a), 0);
}

void scu_close(struct scu *s)
{
    if (s->fd >= 0)
        close(s->fd);
    free(s->in);
    *s = (struct scu){.fd = -1};
}

void scu_send(struct scu *s, const uint8_t *data, size_t len)
{
    while (len) {
        ssize_t n = send(s->fd, data, len, MSG_NOSIGNAL);

        if (n <= 0)
            return; /* the answer, or its absence, tells */
        data += n;
        len -= (size_t)n;
    }
}

static bool read_all(struct scu *s, uint8_t *out, size_t len)
{
    while (len) {
        ssize_t n = recv(s->fd, out, len, 0);

        if (n <= 0)
            return false;
        out += n;
        len -= (size_t)n;
    }
    return true;
}

int scu_read(struct scu *s, uint32_t *len)
{
    struct err err = ERR_INIT;
    enum pdu_type type;

    if (!read_all(s, s->in, PDU_HEAD))
        return 0;
    CHECK_OK(pdu_head(s->in, PDU_ASSOCIATE_MAX, &type, len, &err), &err);
    return read_all(s, s->in, *len) ? (int)type : 0;
}

void scu_put_associate(struct pdu_out *o, const char *called, const char *calling, const char *abstract,
                       const char *syntax)
{
    struct pdu_associate *a = mem_new(sizeof *a);

    snprintf(a->called, sizeof a->called, "%s", called);
    snprintf(a->calling, sizeof a->calling, "%s", calling);
    a->application = (struct pdu_text){"1.2.840.10008.3.1.1.1", 21};
    a->implementation_uid = (struct pdu_text){"1.2.3.4.5", 9};
    a->implementation_version = (struct pdu_text){"TEST", 4};
    a->max_length = 16384;
    a->n_contexts = 1;
    a->context[0].id = 1;
    a->context[0].abstract = (struct pdu_text){abstract, strlen(abstract)};
    a->context[0].syntax[0] = (struct pdu_text){syntax, strlen(syntax)};
    a->context[0].n_syntaxes = 1;
    pdu_write_associate(o, PDU_ASSOCIATE_RQ, a);
    free(a);
}

int scu_associate(struct scu *s, const char *called, const char *calling, const char *abstract,
                  const char *syntax)
{
    struct pdu_associate *a = mem_new(sizeof *a);
    struct pdu_out o = {0};
    struct err err = ERR_INIT;
    uint32_t len;
    int type;

    scu_put_associate(&o, called, calling, abstract, syntax);
    scu_send(s, o.data, o.len);
    pdu_out_free(&o);
    type = scu_read(s, &len);
    if (type == PDU_ASSOCIATE_AC) {
        CHECK_OK(pdu_parse_associate(a, PDU_ASSOCIATE_AC, s->in, len, &err), &err);
        CHECK_INT(a->n_contexts, 1);
        s->result = a->context[0].result;
    } else if (type == PDU_ASSOCIATE_RJ) {
        CHECK_OK(pdu_parse_reject(&s->rj, s->in, len, &err), &err);
    }
    free(a);
    return type;
}

void scu_put_store(struct pdu_out *o, uint16_t message_id, const char *sop_class, const char *sop,
                   const uint8_t *data, size_t len, uint32_t pdu)
{
    struct dimse_command c = {.field = DIMSE_C_STORE_RQ, .message_id = message_id, .has_data = true};
    struct pdu_out command = {0};

    snprintf(c.sop_class, sizeof c.sop_class, "%s", sop_class);
    snprintf(c.sop_instance, sizeof c.sop_instance, "%s", sop);
    dimse_write(&command, &c);
    pdu_write_data(o, 1, true, command.data, command.len, pdu);
    pdu_write_data(o, 1, false, data, len, pdu);
    pdu_out_free(&command);
}

int scu_store(struct scu *s, const char *sop_class, const char *sop, const uint8_t *data, size_t len)
{
    struct pdu_out o = {0};
    struct dimse_command c;
    struct pdu_pdv v;
    struct err err = ERR_INIT;
    uint32_t n;
    size_t at = 0;

    scu_put_store(&o, ++s->message_id, sop_class, sop, data, len, 16384);
    scu_send(s, o.data, o.len);
    pdu_out_free(&o);
    if (scu_read(s, &n) != PDU_DATA)
        return 0xFFFF;
    CHECK(pdu_next_pdv(&v, s->in, n, &at, &err));
    CHECK(v.command && v.last);
    CHECK_OK(dimse_parse(&c, v.data, v.len, &err), &err);
    CHECK_INT(c.field, DIMSE_C_STORE_RSP);
    CHECK_INT(c.answers_id, s->message_id);
    memcpy(s->comment, c.comment, sizeof s->comment);
    return c.status;
}
