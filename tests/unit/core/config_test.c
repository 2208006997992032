#include "tests/unit/test.h"
#include "core/config.h"
#include "core/json.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* clang-format off */
static const struct config_setting TABLE[] = {
    CONFIG_COMMON,
    {"media.port", CONFIG_INT, "20000", 1, 65535, "port", true, false, "First UDP port."},
    {"tls", CONFIG_BOOL, "no", 0, 0, "", false, false, "Serve HTTPS."},
    {"key", CONFIG_STR, "hush", 0, 0, "", false, true, "A secret."},
    {0}};
/* clang-format on */

static bool load(struct config **c, struct err *err, int argc, const char *const *argv)
{
    return config_load(c, TABLE, argc, (char **)(uintptr_t)argv, err);
}

#define LOAD(c, err, ...)                                                                                    \
    load((c), (err), (int)(sizeof((const char *[]){"/bin/yz-testd", __VA_ARGS__}) / sizeof(char *)),         \
         (const char *[]){"/bin/yz-testd", __VA_ARGS__})

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");

    CHECK(f);
    fputs(text, f);
    fclose(f);
}

TEST(config, defaults_hold_until_somebody_says_otherwise)
{
    struct config *c;
    struct err err = ERR_INIT;

    CHECK_OK(load(&c, &err, 1, (const char *[]){"yz-testd"}), &err);
    CHECK_STR(config_str(c, "data"), "var");
    CHECK_INT(config_int(c, "media.port"), 20000);
    CHECK(!config_bool(c, "tls"));
    config_free(c);
}

TEST(config, the_command_line_wins_over_the_environment_over_the_file)
{
    const char *path = test_path(t, test_dir(t), "y.conf");
    char arg[200];
    struct config *c;
    struct err err = ERR_INIT;

    write_file(path, "# words\n\n  media.port =  1001 \r\nnode=7\ntls = on\ndata = /from file\n");
    snprintf(arg, sizeof arg, "--config=%s", path);
    setenv("YUNZHEN_MEDIA_PORT", "1002", 1);
    setenv("YUNZHEN_NODE", "8", 1);
    CHECK_OK(LOAD(&c, &err, arg, "--media.port=1003"), &err);
    unsetenv("YUNZHEN_MEDIA_PORT");
    unsetenv("YUNZHEN_NODE");
    CHECK_INT(config_int(c, "media.port"), 1003);
    CHECK_INT(config_int(c, "node"), 8);
    CHECK(config_bool(c, "tls"));
    CHECK_STR(config_str(c, "data"), "/from file");
    config_free(c);
}

TEST(config, a_boolean_alone_on_the_command_line_is_true)
{
    struct config *c;
    struct err err = ERR_INIT;

    CHECK_OK(LOAD(&c, &err, "--tls"), &err);
    CHECK(config_bool(c, "tls"));
    config_free(c);
    CHECK_ERR(LOAD(&c, &err, "--data"), &err, ERR_INVALID, "setting_invalid");
}

TEST(config, a_wrong_value_is_refused_with_its_place_and_range)
{
    struct config *c;
    struct err err = ERR_INIT;
    static const char *const BAD[] = {"--media.port=0",
                                      "--media.port=65536",
                                      "--media.port=1x",
                                      "--media.port=",
                                      "--media.port= 1",
                                      "--tls=maybe",
                                      "--no.such=1",
                                      "media.port=1",
                                      "--",
                                      "--config=/no/such/file",
                                      "--media.port=99999999999999999999"};

    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        CHECK_ERR(LOAD(&c, &err, BAD[i]), &err, ERR_INVALID, "setting_invalid");
    CHECK(!LOAD(&c, &err, "--media.port=70000"));
    CHECK_STR(err.text, "media.port = 70000 (--media.port): must be an integer from 1 to 65535 port");
}

TEST(config, a_bad_line_is_named_by_its_number)
{
    struct config *c;
    struct err err = ERR_INIT;
    static const char TEXT[] = "node = 1\nwhat is this\n";

    CHECK(!config_load_text(&c, TABLE, TEXT, sizeof TEXT - 1, &err));
    CHECK_STR(err.text, "text:2: expected `name = value`");
    err_clear(&err);
    CHECK_ERR(config_load_text(&c, TABLE, "nosuch=1", 8, &err), &err, ERR_INVALID, "setting_invalid");
    CHECK_ERR(config_load_text(&c, TABLE, "data=a\0b", 8, &err), &err, ERR_INVALID, "setting_invalid");
}

TEST(config, a_secret_is_not_in_the_error)
{
    static const struct config_setting SECRET[] = {
        {"pin", CONFIG_INT, "1", 0, 9, "", false, true, "A secret number."}, {0}};
    struct config *c;
    struct err err = ERR_INIT;

    CHECK(!config_load_text(&c, SECRET, "pin=7788", 8, &err));
    CHECK(!strstr(err.text, "7788"));
}

TEST(config, a_reload_changes_only_what_is_reloadable)
{
    const char *path = test_path(t, test_dir(t), "y.conf");
    char arg[200];
    struct config *c;
    struct err err = ERR_INIT;

    snprintf(arg, sizeof arg, "--config=%s", path);
    write_file(path, "media.port = 1001\nnode = 1\n");
    CHECK_OK(LOAD(&c, &err, arg, "--log.level=error"), &err);
    write_file(path, "media.port = 1002\nnode = 2\nlog.level = debug\n");
    CHECK_OK(config_reload(c, &err), &err);
    CHECK_INT(config_int(c, "media.port"), 1002);
    CHECK_INT(config_int(c, "node"), 1);
    CHECK_STR(config_str(c, "log.level"), "error");
    write_file(path, "media.port = 1003\nnode = zzz\n");
    CHECK_ERR(config_reload(c, &err), &err, ERR_INVALID, "setting_invalid");
    CHECK_INT(config_int(c, "media.port"), 1002);
    config_free(c);
}

/* config_load() ends the process for --settings and --help, so it runs in a child. */
static char *output_of(const char *arg, int *status)
{
    static char buf[16384];
    size_t n = 0;
    ssize_t got;
    int p[2];
    pid_t pid;

    CHECK_INT(pipe2(p, O_CLOEXEC), 0);
    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        struct config *c;
        struct err err = ERR_INIT;
        dup2(p[1], STDOUT_FILENO);
        LOAD(&c, &err, arg, "--media.port=1234", "--key=very-secret");
        _exit(99);
    }
    close(p[1]);
    while ((got = read(p[0], buf + n, sizeof buf - 1 - n)) > 0)
        n += (size_t)got;
    buf[n] = '\0';
    close(p[0]);
    waitpid(pid, status, 0);
    return buf;
}

TEST(config, settings_prints_the_table_as_json_without_secrets)
{
    struct err err = ERR_INIT;
    json_t *doc = NULL;
    int status;
    char *text = output_of("--settings", &status);

    CHECK_INT(status, 0);
    CHECK(!strstr(text, "hush") && !strstr(text, "very-secret"));
    CHECK_OK(json_parse(&doc, (uint8_t *)text, strlen(text), NULL, &err), &err);
    json_t *rows = json_object_get(doc, "settings"), *port = json_array_get(rows, 3);
    CHECK_INT(json_array_size(rows), 6);
    CHECK_STR(json_string_value(json_object_get(port, "name")), "media.port");
    CHECK_STR(json_string_value(json_object_get(port, "value")), "1234");
    CHECK_STR(json_string_value(json_object_get(port, "from")), "--media.port");
    CHECK_INT(json_integer_value(json_object_get(port, "max")), 65535);
    CHECK_STR(json_string_value(json_object_get(doc, "program")), "yz-testd");
    json_decref(doc);
}

TEST(config, help_explains_every_setting)
{
    int status;
    char *text = output_of("--help", &status);

    CHECK_INT(status, 0);
    CHECK(strstr(text, "--media.port=20000"));
    CHECK(strstr(text, "First UDP port. 1 to 65535 port. SIGHUP reads it again."));
    CHECK(!strstr(text, "hush"));
}
