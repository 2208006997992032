/* ingest_start.c - taking the folder, replaying the journal, giving the folder back. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/ids.h"
#include "core/log.h"
#include "core/mem.h"
#include "dicom/ingest_internal.h"

/* The index was whole before the promise was given: no decoder is needed for what was promised. */
static bool has_facts(struct ingest_object *o)
{
    int fd = open(o->index_path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && ingest_read_facts(o, fd, NULL);

    if (fd >= 0)
        close(fd);
    return ok;
}

static void restore(void *arg, const json_t *record)
{
    struct ingest *in = arg;
    struct ingest_source none = {.region_id = in->opt.region_id};
    struct ingest_object *o;
    struct err err = ERR_INIT;
    int64_t id;

    if (!json_get_id(record, "id", &id, &err))
        return;
    o = ingest_object_new(in, &none, id);
    o->promised = o->replayed = true;
    if (!ingest_record_read(&o->row, record)) {
        log_error("journal_record_malformed", LID("object", id));
        journal_done(in->journal);
        ingest_object_free(o);
    } else if (access(o->path, F_OK) !=
               0) { /* its rows were committed and its name taken away: only the end of the line is missing */
        journal_done(in->journal);
        ingest_object_free(o);
    } else if (o->row.reason[0]) {
        rows_instance(in->opt.rows, &o->row);
    } else if (has_facts(o)) {
        loop_defer(in->opt.loop, ingest_judge, o);
    } else {
        o->asking = 1;
        ingest_ask_index(o);
    }
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* The ids under way, in order. */
static int64_t *waiting_ids(const struct ingest *in, size_t *n)
{
    int64_t *ids = NULL;

    *n = 0;
    for (const struct ingest_object *o = in->list; o; o = o->next)
        ++*n;
    ids = mem_new((*n + 1) * sizeof *ids);
    *n = 0;
    for (const struct ingest_object *o = in->list; o; o = o->next)
        ids[(*n)++] = o->row.id;
    qsort(ids, *n, sizeof *ids, by_id);
    return ids;
}

static bool is_waiting(const int64_t *ids, size_t n, const char *name)
{
    int64_t id;

    return id_parse(name, strcspn(name, "."), &id) && bsearch(&id, ids, n, sizeof *ids, by_id);
}

/* Files without a journal line were never promised. After the replay. */
static void remove_strays(struct ingest *in)
{
    DIR *dir = opendir(in->incoming);
    struct dirent *e;
    unsigned n = 0;
    size_t n_ids;
    int64_t *ids = waiting_ids(in, &n_ids);

    while (dir && (e = readdir(dir))) {
        char *path;

        if ((!strstr(e->d_name, ".dcm") && !strstr(e->d_name, ".json")) || is_waiting(ids, n_ids, e->d_name))
            continue;
        path = mem_format("%s/%s", in->incoming, e->d_name);
        n += unlink(path) == 0;
        free(path);
    }
    if (dir)
        closedir(dir);
    free(ids);
    if (n)
        log_info("unfinished_objects_removed", LI("files", n));
}

bool ingest_replay(struct ingest *in, struct err *err)
{
    bool ok = journal_replay(in->journal, restore, in, err);

    ingest_count_waiting(in);
    if (ok)
        remove_strays(in);
    if (ok && journal_open_lines(in->journal))
        log_info("journal_replayed", LI("objects", journal_open_lines(in->journal)));
    return ok;
}

void ingest_set_rows(struct ingest *in, struct rows *rows)
{
    in->opt.rows = rows;
}

static void make_folder(const char *imaging, const char *name)
{
    char *path = mem_format("%s/%s", imaging, name);

    mkdir(path, 0700);
    free(path);
}

bool ingest_new(struct ingest **out, const struct ingest_options *opt, struct err *err)
{
    struct ingest *in = mem_new(sizeof *in);

    ingest_metrics();
    in->opt = *opt;
    in->imaging = mem_str(opt->imaging);
    in->incoming = mem_format("%s/incoming", opt->imaging);
    mkdir(in->imaging, 0700);
    make_folder(in->imaging, "incoming");
    make_folder(in->imaging, "quarantine");
    if (!journal_open(&in->journal, in->incoming, err) ||
        !workers_new(&in->workers, opt->loop, opt->threads ? opt->threads : 1, 4096, err)) {
        ingest_free(in);
        return false;
    }
    *out = in;
    return true;
}

void ingest_free(struct ingest *in)
{
    if (!in)
        return;
    if (in->workers)
        workers_free(in->workers);
    while (in->list) {
        struct ingest_object *o = in->list;

        if (!o->promised)
            ingest_remove_files(o);
        ingest_object_free(o);
    }
    journal_close(in->journal);
    free(in->imaging);
    free(in->incoming);
    free(in);
}
