/* kill -9 at any moment loses nothing that was acknowledged: real storescu, real daemon, some cycles. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "core/mem.h"
#include "tests/unit/dicom/dicom_fx.h"

enum { CYCLES = 4, OBJECTS = 60 };

/* Files for storescu: a data set in explicit little endian behind a meta group of our own making. */
static void make_files(const char *dir, int cycle)
{
    mkdir(dir, 0700);
    for (int i = 0; i < OBJECTS; i++) {
        char sop[40], *path = mem_format("%s/%03d.dcm", dir, i);
        struct dfx_image im = {.sop = sop, .pixels = 20000, .fill = (uint8_t)i};
        uint8_t *data;
        size_t len;
        FILE *f;

        snprintf(sop, sizeof sop, "1.7.%d.%d", cycle + 1, i + 1);
        data = dfx_image(&im, &len);
        f = fopen(path, "we");
        CHECK(f != NULL);
        dfx_write_meta(f, CT_IMAGE, sop, EXPLICIT);
        CHECK_INT(fwrite(data, 1, len, f), len);
        CHECK_INT(fclose(f), 0);
        free(data);
        free(path);
    }
}

/* storescu sends in the order of names, one after the other, so the acknowledged ones are the first n. The daemon dies some
 * microseconds after one of them. @return n */
static int send_and_kill(struct dfx *f, const char *dir, int kill_after)
{
    char *command = mem_format("storescu -v -aec YUNZHEN -aet CT1 127.0.0.1 %u %s/*.dcm 2>&1",
                               (unsigned)f->port, dir),
         line[1000];
    FILE *p = popen(command, "re");
    int n = 0;

    CHECK(p != NULL);
    while (fgets(line, sizeof line, p)) {
        n += strstr(line, "Received Store Response (Success)") != NULL;
        if (n >= kill_after && f->pid) {
            nanosleep(&(struct timespec){.tv_nsec = rand() % 8000 * 1000}, NULL);
            dfx_stop(f, SIGKILL);
        }
    }
    pclose(p);
    free(command);
    if (f->pid)
        dfx_stop(f, SIGKILL);
    return n;
}

TEST(crash, kill_9_of_the_receiver_loses_no_acknowledged_image_and_doubles_none)
{
    struct dfx *f = dfx_open(t);
    char sql[300];
    int total = 0;

    srand(11);
    for (int cycle = 0; cycle < CYCLES; cycle++) {
        char *dir = mem_format("%s/send%d", f->data, cycle);
        int n;

        make_files(dir, cycle);
        dfx_start(f);
        n = send_and_kill(f, dir, 1 + rand() % OBJECTS);
        total += n;
        dfx_start(f);
        for (int i = 0; i < n; i++) {
            snprintf(sql, sizeof sql, "SELECT count(*) FROM dicom.instances WHERE sop_uid = '1.7.%d.%d'",
                     cycle + 1, i + 1);
            dfx_soon(sql, 1);
        }
        CHECK_INT(dfx_stop(f, SIGTERM), 0);
        CHECK_INT(dfx_files(f, "incoming"), 0);
        snprintf(sql, sizeof sql, "SELECT count(*) - %d FROM dicom.instances WHERE sop_uid LIKE '1.7.%d.%%'",
                 n, cycle + 1);
        CHECK(dfx_count(sql) >= 0 && dfx_count(sql) <= 1); /* at most the one whose answer was on its way */
        free(dir);
    }
    print_message("%d of %d images acknowledged over %d kills\n", total, CYCLES * OBJECTS, CYCLES);
    CHECK_INT(
        dfx_count(
            "SELECT count(*) FROM dicom.instances i WHERE NOT EXISTS (SELECT 1 FROM records.studies s WHERE"
            " s.id = i.study_id)"),
        0);
    CHECK_INT(
        dfx_count(
            "SELECT (SELECT sum(n_instances) FROM records.studies) - (SELECT count(*) FROM dicom.instances)"),
        0);
    CHECK_INT(
        dfx_count(
            "SELECT (SELECT sum(n_instances) FROM dicom.series) - (SELECT count(*) FROM dicom.instances)"),
        0);
    CHECK_INT(dfx_count("SELECT count(*) FROM dicom.quarantine"), 0);
}

/* The children of the daemon, as the kernel lists them. */
static int decoder_of(const struct dfx *f)
{
    char *path = mem_format("/proc/%d/task/%d/children", f->pid, f->pid);
    FILE *in = fopen(path, "re");
    int pid = 0;

    if (in && fscanf(in, "%d", &pid) != 1)
        pid = 0;
    if (in)
        fclose(in);
    free(path);
    return pid;
}

TEST(crash, kill_9_of_the_decoder_is_noticed_by_the_object_it_was_on_alone)
{
    struct dfx *f = dfx_open(t);
    char *dir = mem_format("%s/send", f->data), *command, line[1000];
    int ok = 0, answers = 0, kills = 0;
    FILE *p;

    make_files(dir, 8);
    dfx_start(f);
    command = mem_format("storescu -v -nh -aec YUNZHEN 127.0.0.1 %u %s/*.dcm 2>&1", (unsigned)f->port, dir);
    p = popen(command, "re");
    CHECK(p != NULL);
    while (fgets(line, sizeof line, p)) {
        int decoder;

        answers += strstr(line, "Received Store Response") != NULL;
        ok += strstr(line, "Received Store Response (Success)") != NULL;
        if (answers >= 10 * (kills + 1) && kills < 4 && (decoder = decoder_of(f)) > 1 &&
            kill(decoder, SIGKILL) == 0)
            kills++;
    }
    pclose(p);
    CHECK_INT(answers, OBJECTS); /* the association went on to the end */
    CHECK_INT(kills, 4);
    CHECK(ok >= OBJECTS - 4);
    dfx_soon("SELECT count(*) FROM dicom.instances", ok);
    dfx_soon("SELECT count(*) FROM dicom.quarantine WHERE reason = 'decoder_died'", OBJECTS - ok);
    CHECK_INT(dfx_stop(f, SIGTERM), 0);
    free(command);
    free(dir);
}
