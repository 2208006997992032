#include "dicom/journal.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/crypto.h"
#include "core/log.h"
#include "core/mem.h"

#define MARK 16 /* hex digits in front of a line */

struct journal {
    int fd;
    off_t size;
    unsigned open;
};

static void mark_of(char out[MARK + 1], const char *text, size_t len)
{
    uint8_t hash[SHA256_LEN];

    crypto_sha256(text, len, hash);
    crypto_hex(hash, MARK / 2, out);
}

bool journal_open(struct journal **out, const char *dir, struct err *err)
{
    char *path = mem_format("%s/journal", dir);
    struct journal *j = mem_new(sizeof *j);
    struct stat st;
    bool ok = false;

    j->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (j->fd < 0 || fstat(j->fd, &st) != 0) {
        err_errno(err, path);
        goto out;
    }
    if (flock(j->fd, LOCK_EX | LOCK_NB) != 0) {
        err_set(err, ERR_CONFLICT, "journal_in_use", "%s belongs to another running process", path);
        goto out;
    }
    j->size = st.st_size;
    ok = true;
out:
    free(path);
    if (ok)
        *out = j;
    else
        journal_close(j);
    return ok;
}

void journal_close(struct journal *j)
{
    if (!j)
        return;
    if (j->fd >= 0)
        close(j->fd);
    free(j);
}

static json_t *read_line(const char *line, size_t len)
{
    static const struct json_limits LIMITS = {64 * 1024, 8};
    char mark[MARK + 1];
    json_t *doc = NULL;
    struct err err = ERR_INIT;

    if (len < MARK + 3 || line[MARK] != ' ')
        return NULL;
    mark_of(mark, line + MARK + 1, len - MARK - 1);
    if (memcmp(mark, line, MARK) != 0)
        return NULL;
    return json_parse(&doc, (const uint8_t *)line + MARK + 1, len - MARK - 1, &LIMITS, &err) ? doc : NULL;
}

bool journal_replay(struct journal *j, void (*fn)(void *arg, const json_t *record), void *arg,
                    struct err *err)
{
    char *text = mem_new((size_t)j->size + 1);
    size_t got = 0;

    while (got < (size_t)j->size) {
        ssize_t n = pread(j->fd, text + got, (size_t)j->size - got, (off_t)got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            free(text);
            return err_errno(err, "journal");
        }
        got += (size_t)n;
    }
    j->open++; /* what is done while we read must not empty the file under the lines that follow */
    for (char *line = text, *end; (end = memchr(line, '\n', got - (size_t)(line - text))); line = end + 1) {
        json_t *record = read_line(line, (size_t)(end - line));

        if (!record) {
            log_warn("journal_line_skipped", LI("at", line - text));
            continue;
        }
        j->open++;
        fn(arg, record);
        json_decref(record);
    }
    if (got && text[got - 1] != '\n') { /* the torn end must not swallow the next line */
        log_warn("journal_torn_end", LI("bytes", got));
        if (write(j->fd, "\n", 1) == 1)
            j->size++;
    }
    journal_done(j);
    free(text);
    return true;
}

bool journal_append(struct journal *j, const json_t *record, struct err *err)
{
    size_t len;
    char *text = json_text(record, &len), mark[MARK + 1], *line;
    ssize_t n;

    mark_of(mark, text, len);
    line = mem_format("%s %s\n", mark, text);
    len += MARK + 2;
    free(text);
    do
        n = write(j->fd, line, len);
    while (n < 0 && errno == EINTR);
    free(line);
    if (n == (ssize_t)len) {
        j->size += n;
        j->open++;
        return true;
    }
    if (n >= 0 || errno == ENOSPC || errno == EDQUOT) {
        if (n > 0 && ftruncate(j->fd, j->size) != 0)
            log_error("journal_not_cut", LI("at", j->size));
        return err_set(err, ERR_LIMIT, "out_of_space", "no room for the journal");
    }
    return err_errno(err, "journal");
}

void journal_done(struct journal *j)
{
    if (j->open)
        j->open--;
    if (!j->open && j->size && ftruncate(j->fd, 0) == 0)
        j->size = 0;
}

unsigned journal_open_lines(const struct journal *j)
{
    return j->open;
}
