#include "media/record/folder.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/mem.h"

#define WORD_MAX 64

static bool word_ok(const char *word, size_t len)
{
    if (len == 0 || len > WORD_MAX || word[0] == '.')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = word[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
              c == '_' || c == '-'))
            return false;
    }
    return true;
}

bool folder_name_check(const char *dir, struct err *err)
{
    int depth = 0;

    for (const char *word = dir;; depth++) {
        const char *end = strchrnul(word, '/');
        if (depth == FOLDER_DEPTH || !word_ok(word, (size_t)(end - word)))
            return err_set(err, ERR_INVALID, "path_invalid", "not a name of a recording folder");
        if (*end == '\0')
            return true;
        word = end + 1;
    }
}

bool folder_root(int *out_fd, const char *path, struct err *err)
{
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_errno(err, path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, path);
    *out_fd = fd;
    return true;
}

/* One step down; a link, a file or a device in the place of a folder is refused. */
static bool step_down(int *out_fd, int at, const char *word, bool create, struct err *err)
{
    bool made = false;

    if (create) {
        made = mkdirat(at, word, 0700) == 0;
        if (!made && errno != EEXIST)
            return err_errno(err, "mkdir recording folder");
    }
    int fd = openat(at, word, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "recording_unknown", "no such recording folder");
    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
        return err_set(err, ERR_INVALID, "path_invalid", "a link or a file stands where a folder should");
    if (fd < 0)
        return err_errno(err, "open recording folder");
    if (made)
        fsync(at); /* the name of the new folder must outlive a power cut as its files do */
    *out_fd = fd;
    return true;
}

bool folder_open(int *out_fd, int root_fd, const char *dir, bool create, struct err *err)
{
    int at = -1;

    if (!folder_name_check(dir, err))
        return false;
    for (const char *word = dir; *word;) {
        char name[WORD_MAX + 1];
        const char *end = strchrnul(word, '/');
        int next = -1;
        memcpy(name, word, (size_t)(end - word));
        name[end - word] = '\0';
        bool ok = step_down(&next, at < 0 ? root_fd : at, name, create, err);
        if (at >= 0)
            close(at);
        if (!ok)
            return false;
        at = next;
        word = *end ? end + 1 : end;
    }
    *out_fd = at;
    return true;
}

bool folder_file(int *out_fd, int dir_fd, const char *name, int flags, struct err *err)
{
    struct stat st;

    if (!word_ok(name, strlen(name)))
        return err_set(err, ERR_INVALID, "path_invalid", "not a name of a recording file");
    int fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "file_unknown", "no file %s", name);
    if (fd < 0 && errno == ELOOP)
        return err_set(err, ERR_INVALID, "path_invalid", "%s is a link", name);
    if (fd < 0)
        return err_errno(err, name);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(err, ERR_INVALID, "path_invalid", "%s is not a file", name);
    }
    *out_fd = fd;
    return true;
}

bool folder_read(uint8_t **out, size_t *len, int dir_fd, const char *name, size_t max, struct err *err)
{
    uint8_t *data = NULL;
    size_t got = 0;
    struct stat st;
    bool ok = false;
    int fd = -1;

    if (!folder_file(&fd, dir_fd, name, O_RDONLY, err))
        return false;
    if (fstat(fd, &st) < 0) {
        err_errno(err, name);
        goto out;
    }
    if ((uint64_t)st.st_size > max) {
        err_set(err, ERR_TOO_LARGE, "file_too_large", "%s has %lld bytes", name, (long long)st.st_size);
        goto out;
    }
    data = mem_new((size_t)st.st_size + 1);
    while (got < (size_t)st.st_size) {
        ssize_t n = read(fd, data + got, (size_t)st.st_size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            err_errno(err, name);
            goto out;
        }
        if (n == 0)
            break;
        got += (size_t)n;
    }
    data[got] = '\0';
    *out = data;
    *len = got;
    data = NULL;
    ok = true;
out:
    free(data);
    close(fd);
    return ok;
}

static bool write_all(int fd, const void *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, (const uint8_t *)data + at, len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

bool folder_write(int dir_fd, const char *name, const void *data, size_t len, struct err *err)
{
    char tmp[WORD_MAX + 1];
    bool ok = false;
    int fd = -1;

    snprintf(tmp, sizeof tmp, "%.50s.tmp", name);
    if (unlinkat(dir_fd, tmp, 0) < 0 && errno != ENOENT)
        return err_errno(err, tmp);
    if (!folder_file(&fd, dir_fd, tmp, O_WRONLY | O_CREAT | O_EXCL, err))
        return false;
    if (!write_all(fd, data, len) || fsync(fd) < 0 || renameat(dir_fd, tmp, dir_fd, name) < 0) {
        err_errno(err, name);
        unlinkat(dir_fd, tmp, 0);
        goto out;
    }
    ok = fsync(dir_fd) == 0 || err_errno(err, "fsync recording folder");
out:
    close(fd);
    return ok;
}

bool folder_remove(int dir_fd, const char *name, struct err *err)
{
    if (!word_ok(name, strlen(name)))
        return err_set(err, ERR_INVALID, "path_invalid", "not a name of a recording file");
    return unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT || err_errno(err, name);
}
