#include "tests/unit/test.h"
#include "ops/supervise/logfile.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static long size_of(struct test *t, const char *dir, const char *name)
{
    struct stat st;

    return stat(test_path(t, dir, name), &st) == 0 ? (long)st.st_size : -1;
}

static void write_all(int fd, char c, size_t n)
{
    char buf[1000];

    memset(buf, c, sizeof buf);
    CHECK_INT(write(fd, buf, n), n);
}

TEST(logfile, moves_aside_at_its_size_and_keeps_three)
{
    const char *dir = test_dir(t);
    struct logfile *f;
    struct loop *l;
    struct err err = ERR_INIT;
    static const char *const OLD[] = {"x.log.1", "x.log.2", "x.log.3"};

    CHECK_OK(loop_new(&l, &err), &err);
    test_cleanup(t, (void (*)(void *))loop_free, l);
    CHECK_OK(logfile_open(&f, l, dir, "x", 1500, &err), &err);
    for (int i = 0; i < 6; i++) {
        write_all(logfile_fd(f), (char)('a' + i), 1000);
        loop_turn(l, 1000);
    }
    CHECK_INT(size_of(t, dir, "x.log"), 1000);
    for (int i = 0; i < 3; i++)
        CHECK_INT(size_of(t, dir, OLD[i]), 1000);
    CHECK_INT(size_of(t, dir, "x.log.4"), -1);
    logfile_close(f);
}

TEST(logfile, what_is_still_in_the_pipe_is_kept_when_it_closes)
{
    const char *dir = test_dir(t);
    struct logfile *f;
    struct loop *l;
    struct err err = ERR_INIT;

    CHECK_OK(loop_new(&l, &err), &err);
    test_cleanup(t, (void (*)(void *))loop_free, l);
    CHECK_OK(logfile_open(&f, l, dir, "y", 1 << 20, &err), &err);
    write_all(logfile_fd(f), 'z', 700);
    logfile_close(f);
    CHECK_INT(size_of(t, dir, "y.log"), 700);
}

TEST(logfile, a_folder_that_is_not_there_is_an_error)
{
    struct logfile *f;
    struct loop *l;
    struct err err = ERR_INIT;

    CHECK_OK(loop_new(&l, &err), &err);
    test_cleanup(t, (void (*)(void *))loop_free, l);
    CHECK_ERR(logfile_open(&f, l, "/nowhere", "z", 1 << 20, &err), &err, ERR_IO, NULL);
}
