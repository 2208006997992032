/* main.c - yz-recon-load: a day of many trades reconciled against the channel's bill in its real format.
 *
 *   yz-recon-load [--trades=1000000] [--seed=1] [--per-mille=5]        (tests/load/program.sh yz-recon-load builds and runs it)
 *
 * One JSON line: the CPU for reading the bill (hash, rows, totals) and for reconciling it (hash of the result included), what
 * memory grew by meanwhile. Exit status 1 when a planted difference was not found, one was found that nobody planted, or
 * a million lines took more than 2 s of CPU.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "billing/bill_wechat.h"
#include "core/mem.h"
#include "tests/unit/billing/recon_plant.h"

#define DAY          20738
#define CPU_S_WANTED 2.0 /* for a million lines */

static const struct recon_rule RULE = {
    .version = 1, .cutoff_s = 600, .cutoff_days = 2, .fee_tolerance_milli_fen = 500};

static double cpu_s(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int64_t rss_kb(const char *field)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    int64_t kb = 0;

    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, field, strlen(field)) == 0)
            kb = strtoll(line + strlen(field), NULL, 10);
    if (f)
        fclose(f);
    return kb;
}

/* The day's rows as the channel writes them. */
static char *bill_text(const struct plant *p, size_t *len)
{
    static const struct bill_wechat_line LINE = {
        "wx00000000000000aa", "oDEMO00000000000000000000001", "JSAPI", "OTHERS", "远程门诊诊查费",
        "enc=E1001"};
    struct bill_wechat_line *lines = mem_new((p->bill.n + 1) * sizeof *lines);
    char *text = NULL;
    FILE *out = open_memstream(&text, len);

    for (size_t i = 0; i < p->bill.n; i++)
        lines[i] = LINE;
    if (!out || !bill_wechat_write(out, p->bill.rows, lines, p->bill.n) || fclose(out) != 0)
        abort();
    free(lines);
    return text;
}

static bool as_planted(const struct plant *p, const struct recon_result *r)
{
    size_t wanted[RECON_CLASSES] = {0};
    int64_t delta = 0;
    bool ok = r->matched == p->n_matched;

    for (size_t i = 0; i < p->n_wanted; i++)
        wanted[p->wanted[i].class]++;
    for (int c = 0; c < RECON_CLASSES; c++) {
        ok = ok && wanted[c] == r->count[c];
        delta += r->delta_fen[c];
    }
    return ok && delta == p->net_bill_fen - p->net_ours_fen;
}

static int64_t argument(int argc, char **argv, const char *name, int64_t value)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], name, strlen(name)) == 0)
            value = strtoll(argv[i] + strlen(name), NULL, 10);
    return value;
}

int main(int argc, char **argv)
{
    size_t trades = (size_t)argument(argc, argv, "--trades=", 1000000), len;
    struct plant p;
    struct bill bill;
    struct recon_result r;
    struct err err = ERR_INIT;
    double start, read, done, million;
    int64_t before_kb;
    char *text;
    bool exact;

    plant_day(&p, (uint64_t)argument(argc, argv, "--seed=", 1), DAY, trades,
              (unsigned)argument(argc, argv, "--per-mille=", 5));
    text = bill_text(&p, &len);
    before_kb = rss_kb("VmRSS:");
    start = cpu_s();
    if (!bill_wechat_read(&bill, (const uint8_t *)text, len, &(struct bill_wechat_options){.day = DAY},
                          &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    read = cpu_s();
    if (!recon_run(&r, &RULE, DAY, p.ours, p.n_ours, &bill, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    done = cpu_s();
    exact = as_planted(&p, &r);
    million = (done - start) * 1e6 / (double)(bill.n ? bill.n : 1);
    printf("{\"bench\":\"recon\",\"case\":\"%zu of ours, %zu lines, %zu "
           "MB\",\"read_cpu_s\":%.3f,\"recon_cpu_s\":%.3f,"
           "\"cpu_s_per_million\":%.3f,\"grown_mb\":%" PRId64 ",\"differences\":%zu,\"exact\":%s}\n",
           p.n_ours, bill.n, len >> 20, read - start, done - read, million,
           (rss_kb("VmHWM:") - before_kb) / 1024, r.n, exact ? "true" : "false");
    recon_free(&r);
    bill_free(&bill);
    free(text);
    plant_free(&p);
    return exact && million <= CPU_S_WANTED ? 0 : 1;
}
