#include "media/record/recorder.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/log.h"
#include "core/mem.h"
#include "media/record/folder.h"
#include "media/record/recording_inside.h"

/* --- marks ------------------------------------------------------------------------------------------------ */

static void mark_name(const char *dir, char out[41])
{
    uint8_t hash[SHA256_LEN];

    crypto_sha256(dir, strlen(dir), hash);
    crypto_hex(hash, 20, out);
}

bool recorder_mark(struct recorder *r, const char *dir, struct err *err)
{
    char name[41];

    mark_name(dir, name);
    return folder_write(r->open_fd, name, dir, strlen(dir), err);
}

void recorder_unmark(struct recorder *r, const char *dir)
{
    struct err err = ERR_INIT;
    char name[41];

    mark_name(dir, name);
    if (!folder_remove(r->open_fd, name, &err))
        log_warn("recording_unmark", LS("dir", dir), LERR(&err));
}

/* --- life ------------------------------------------------------------------------------------------------- */

static bool open_marks(struct recorder *r, struct err *err)
{
    if (mkdirat(r->root_fd, ".open", 0700) < 0 && errno != EEXIST)
        return err_errno(err, "mkdir recordings/.open");
    r->open_fd = openat(r->root_fd, ".open", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return r->open_fd >= 0 || err_errno(err, "open recordings/.open");
}

bool recorder_init(struct recorder *r, struct loop *loop, struct workers *workers, const char *data,
                   int64_t return_us, struct err *err)
{
    char *root = mem_format("%s/recordings", data), *keys = mem_format("%s/keys", data);
    char *key = mem_format("%s/recording.key", keys);
    bool ok = false;

    *r = (struct recorder){
        .loop = loop, .workers = workers, .return_us = return_us, .root_fd = -1, .open_fd = -1};
    if (mkdir(data, 0700) < 0 && errno != EEXIST) {
        err_errno(err, data);
        goto out;
    }
    if (mkdir(keys, 0700) < 0 && errno != EEXIST) {
        err_errno(err, keys);
        goto out;
    }
    ok = folder_root(&r->root_fd, root, err) && open_marks(r, err) && sign_key_load(&r->key, key, true, err);
out:
    free(root);
    free(keys);
    free(key);
    if (!ok)
        recorder_fini(r);
    return ok;
}

static void recover_one(struct recorder *r, const char *mark, int64_t now_us)
{
    struct err err = ERR_INIT;
    uint8_t *dir = NULL;
    size_t len = 0;

    if (!folder_read(&dir, &len, r->open_fd, mark, JOURNAL_TEXT_MAX, &err)) {
        log_warn("recording_mark", LS("mark", mark), LERR(&err));
        return;
    }
    if (recording_recover(r, (const char *)dir, now_us, &err))
        log_info("recording_found", LS("dir", (const char *)dir));
    else
        log_error("recording_recover", LS("dir", (const char *)dir),
                  LERR(&err)); /* its mark stays for who looks */
    if (err_is(&err,
               ERR_NOT_FOUND)) /* killed between the mark and the first manifest: nothing was recorded */
        recorder_unmark(r, (const char *)dir);
    free(dir);
}

bool recorder_recover(struct recorder *r, int64_t now_us, struct err *err)
{
    int fd = fcntl(r->open_fd, F_DUPFD_CLOEXEC, 0);
    DIR *marks = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (!marks) {
        err_errno(err, "read recordings/.open");
        if (fd >= 0)
            close(fd);
        return false;
    }
    rewinddir(marks);
    while ((e = readdir(marks)))
        if (e->d_name[0] != '.' && strlen(e->d_name) == 40)
            recover_one(r, e->d_name, now_us);
    closedir(marks);
    return true;
}

void recorder_tick(struct recorder *r, int64_t now_us)
{
    struct recording *next;

    for (struct recording *rec = r->recordings; rec; rec = next) {
        next = rec->next;
        recording_tick(rec, now_us);
        if (rec->phase == PHASE_DONE && recording_idle(rec))
            recording_free(rec);
    }
}

void recorder_stop(struct recorder *r, int64_t now_us)
{
    for (struct recording *rec = r->recordings; rec; rec = rec->next)
        if (rec->phase == PHASE_RECORDING)
            recording_lost(rec, now_us, "recorder_lost");
}

bool recorder_idle(const struct recorder *r)
{
    for (const struct recording *rec = r->recordings; rec; rec = rec->next)
        if (!recording_idle(rec))
            return false;
    return true;
}

void recorder_fini(struct recorder *r)
{
    while (r->recordings)
        recording_free(r->recordings);
    sign_key_free(r->key);
    if (r->root_fd >= 0)
        close(r->root_fd);
    if (r->open_fd >= 0)
        close(r->open_fd);
    r->key = NULL;
    r->root_fd = r->open_fd = -1;
}
