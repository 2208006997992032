/* folder_test.c - names from outside lead nowhere else. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "media/record/folder.h"
#include "tests/unit/test.h"

static int root(struct test *t)
{
    struct err err = ERR_INIT;
    int fd = -1;

    CHECK_OK(folder_root(&fd, test_path(t, test_dir(t), "root"), &err), &err);
    return fd;
}

TEST(folder, only_plain_relative_words_are_names)
{
    static const char *const GOOD[] = {"a", "1/88", "region-1/visit_2.3", "a/b/c/d"};
    static const char *const BAD[] = {
        "",         "/",
        "/a",       "a/",
        "a//b",     ".",
        "..",       "a/..",
        "../a",     "a/../b",
        ".a",       "a/.b",
        "a b",      "a\\b",
        "a\nb",     "a/b/c/d/e",
        "\xc3\xa9", "a%2fb",
        "a:b",      "0123456789012345678901234567890123456789012345678901234567890123456789"};
    struct err err = ERR_INIT;

    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++)
        CHECK_OK(folder_name_check(GOOD[i], &err), &err);
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        CHECK_ERR(folder_name_check(BAD[i], &err), &err, ERR_INVALID, "path_invalid");
}

TEST(folder, a_link_on_the_way_is_not_followed)
{
    int root_fd = root(t), fd = -1;
    const char *outside = test_dir(t);
    struct err err = ERR_INIT;

    CHECK(symlinkat(outside, root_fd, "link") == 0);
    CHECK_ERR(folder_open(&fd, root_fd, "link", true, &err), &err, ERR_INVALID, "path_invalid");
    CHECK_ERR(folder_open(&fd, root_fd, "link/a", true, &err), &err, ERR_INVALID, "path_invalid");
    CHECK_OK(folder_open(&fd, root_fd, "a/b", true, &err), &err);
    CHECK(symlinkat("/etc/passwd", fd, "t1.yzj") == 0);
    int file = -1;
    CHECK_ERR(folder_file(&file, fd, "t1.yzj", O_RDONLY, &err), &err, ERR_INVALID, "path_invalid");
    CHECK(mkfifoat(fd, "pipe", 0600) == 0);
    CHECK_ERR(folder_file(&file, fd, "pipe", O_RDONLY, &err), &err, ERR_INVALID, "path_invalid");
    CHECK_ERR(folder_file(&file, fd, "../x", O_RDONLY, &err), &err, ERR_INVALID, "path_invalid");
    close(fd);
    close(root_fd);
}

TEST(folder, a_file_appears_whole_and_replaces_the_old_one)
{
    int root_fd = root(t), fd = -1;
    struct err err = ERR_INIT;
    uint8_t *got = NULL;
    size_t len = 0;

    CHECK_ERR(folder_open(&fd, root_fd, "none", false, &err), &err, ERR_NOT_FOUND, "recording_unknown");
    CHECK_OK(folder_open(&fd, root_fd, "a", true, &err), &err);
    CHECK_OK(folder_write(fd, "f", "one", 3, &err), &err);
    CHECK_OK(folder_write(fd, "f", "longer", 6, &err), &err);
    CHECK(symlinkat("/etc/passwd", fd, "g.tmp") == 0); /* in the way of the temporary name */
    CHECK_OK(folder_write(fd, "g", "two", 3, &err), &err);
    CHECK_OK(folder_read(&got, &len, fd, "f", 100, &err), &err);
    CHECK_INT(len, 6);
    CHECK_STR((char *)got, "longer");
    free(got);
    CHECK_ERR(folder_read(&got, &len, fd, "f", 5, &err), &err, ERR_TOO_LARGE, "file_too_large");
    CHECK_OK(folder_remove(fd, "f", &err), &err);
    CHECK_OK(folder_remove(fd, "f", &err), &err);
    CHECK_ERR(folder_read(&got, &len, fd, "f", 5, &err), &err, ERR_NOT_FOUND, "file_unknown");
    close(fd);
    close(root_fd);
}
