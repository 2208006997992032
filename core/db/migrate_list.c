/* Finds the migrations of a source tree: ROOM/migrations/NNNN_name/, rooms at most two folders deep. */
#include "core/db/migrate.h"
#include "core/crypto.h"
#include "core/mem.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 3 /* media/record/migrations */
#define UP_MAX    (4 * 1024 * 1024)

struct search {
    struct migration *list;
    size_t n;
    struct err *err;
};

static bool is_dir(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool read_text(char **out, const char *path, size_t *len, struct err *err)
{
    FILE *f = fopen(path, "re");
    char *text;
    bool ok;

    if (!f)
        return err_errno(err, path);
    text = mem_new(UP_MAX + 1);
    *len = fread(text, 1, UP_MAX + 1, f);
    ok = !ferror(f) && *len <= UP_MAX && !memchr(text, '\0', *len);
    fclose(f);
    if (ok) {
        *out = mem_grow(text, *len + 1);
        (*out)[*len] = '\0';
        return true;
    }
    free(text);
    return err_set(err, ERR_INVALID, "migration_folder_bad", "%s: not a text of at most %d bytes", path,
                   UP_MAX);
}

/* "0010_scheduling": four digits, an underscore, lower case words. */
static bool name_parse(const char *name, int *number)
{
    *number = 0;
    for (int i = 0; i < 4; i++) {
        if (!isdigit((unsigned char)name[i]))
            return false;
        *number = *number * 10 + (name[i] - '0');
    }
    return *number > 0 && name[4] == '_' && name[5] &&
           strspn(name + 5, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name + 5) && strlen(name) < 64;
}

static bool has_file(const char *dir, const char *name)
{
    char *path = mem_format("%s/%s", dir, name);
    bool there = access(path, R_OK) == 0;

    free(path);
    return there;
}

/* Takes dir. */
static bool add(struct search *s, char *dir, const char *name)
{
    struct migration m = {.dir = dir};
    uint8_t hash[SHA256_LEN];
    char *up = NULL;
    size_t len = 0;
    bool ok;

    if (!name_parse(name, &m.number) || !has_file(dir, "check.sql") || !has_file(dir, "why.md")) {
        err_set(s->err, ERR_INVALID, "migration_folder_bad",
                "%s: expected NNNN_name with up.sql, check.sql, why.md", dir);
        free(dir);
        return false;
    }
    memcpy(m.name, name, strlen(name) + 1); /* name_parse() has measured it */
    up = mem_format("%s/up.sql", dir);
    ok = read_text(&m.up, up, &len, s->err);
    free(up);
    if (!ok) {
        free(dir);
        return false;
    }
    crypto_sha256(m.up, len, hash);
    crypto_hex(hash, sizeof hash, m.sha256);
    s->list = mem_grow(s->list, (s->n + 1) * sizeof *s->list);
    s->list[s->n++] = m;
    return true;
}

static bool walk(struct search *s, const char *dir, int depth, bool inside);

static bool visit(struct search *s, const char *dir, const char *name, int depth, bool inside)
{
    static const char *const SKIP[] = {"build", "var", "node_modules", "tests", "web"};
    char *path;
    bool ok;

    if (name[0] == '.')
        return true;
    for (size_t i = 0; i < sizeof SKIP / sizeof *SKIP; i++)
        if (strcmp(name, SKIP[i]) == 0)
            return true;
    path = mem_format("%s/%s", dir, name);
    if (!is_dir(path)) {
        free(path);
        return true;
    }
    if (inside)
        return add(s, path, name);
    ok = walk(s, path, depth + 1, strcmp(name, "migrations") == 0);
    free(path);
    return ok;
}

/* inside: dir is a `migrations` folder, its children are migrations. */
static bool walk(struct search *s, const char *dir, int depth, bool inside)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    bool ok = true;

    if (!d)
        return err_errno(s->err, dir);
    while (ok && (e = readdir(d)))
        ok = depth > DEPTH_MAX || visit(s, dir, e->d_name, depth, inside);
    closedir(d);
    return ok;
}

static int by_number(const void *a, const void *b)
{
    return ((const struct migration *)a)->number - ((const struct migration *)b)->number;
}

bool migrate_list(struct migration **out, size_t *n, const char *source_root, struct err *err)
{
    struct search s = {.err = err};
    bool ok = walk(&s, source_root, 0, false);

    if (ok && s.n)
        qsort(s.list, s.n, sizeof *s.list, by_number);
    for (size_t i = 1; ok && i < s.n; i++)
        if (s.list[i].number == s.list[i - 1].number)
            ok = err_set(err, ERR_INVALID, "migration_number_twice", "%s and %s have the same number",
                         s.list[i - 1].dir, s.list[i].dir);
    if (!ok) {
        migrate_list_free(s.list, s.n);
        return false;
    }
    *out = s.list;
    *n = s.n;
    return true;
}

void migrate_list_free(struct migration *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(list[i].dir);
        free(list[i].up);
    }
    free(list);
}
