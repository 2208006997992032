/* yz-supervise: starts the processes of one installation, keeps them running, stops them in reverse order.
 *
 *   yz-supervise --data=FOLDER [--table=FILE] [--foreground=true] [--clear=true]
 *
 * SIGTERM and SIGINT stop everything, PostgreSQL last; SIGHUP is passed on. Exit status: 0 stopped as asked,
 * 1 a step failed or the folder is unusable, 3 another supervisor runs here. */
#include <fcntl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/config.h"
#include "core/log.h"
#include "ops/supervise/logfile.h"
#include "ops/supervise/orphan.h"
#include "ops/supervise/supervisor.h"

#define EXIT_RUNNING 3

static const struct config_setting SETTINGS[] = {
    CONFIG_COMMON,
    {"table", CONFIG_STR, "", 0, 0, "file", false, false,
     "What to run; empty means run/processes in the data folder."},
    {"foreground", CONFIG_BOOL, "false", 0, 0, "", false, false,
     "Stop when the program that started us ends."},
    {"clear", CONFIG_BOOL, "false", 0, 0, "", false, false,
     "Only end what a killed supervisor left behind, then exit."},
    {"supervise.log_bytes", CONFIG_INT, "16777216", 65536, INT64_C(1) << 40, "bytes", false, false,
     "A process's log file is put aside at this size; three old ones are kept."},
    {0},
};

/* The lock lives as long as the process, so a crash leaves none behind. @return descriptor, -1 another has it */
static int take_lock(const char *data)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof path, "%s/supervise.lock", data);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        fprintf(stderr, "yz-supervise: %s: %s\n", path, strerror(errno));
        exit(EXIT_FAILURE);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        char pid[16] = "";
        ssize_t n = read(fd, pid, sizeof pid - 1);

        pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
        fprintf(stderr, "yz-supervise: already running (pid %s) in %s\n", pid, data);
        close(fd);
        return -1;
    }
    if (ftruncate(fd, 0) != 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
        fprintf(stderr, "yz-supervise: %s: %s\n", path, strerror(errno));
    return fd;
}

static void set_log_level(const struct config *c)
{
    enum log_level level = LOG_INFO;

    log_level_parse(config_str(c, "log.level"), &level);
    log_init("supervise", level);
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct config *conf = NULL;
    struct process_table table = {0};
    struct supervisor_paths paths;
    int lock = -1, status = EXIT_FAILURE;

    if (!config_load(&conf, SETTINGS, argc, argv, &err))
        goto out;
    if (config_bool(conf, "foreground"))
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    set_log_level(conf);
    lock = take_lock(config_str(conf, "data"));
    if (lock < 0) {
        status = EXIT_RUNNING;
        goto out;
    }
    supervisor_paths(&paths, config_str(conf, "data"), config_str(conf, "table"));
    if (chdir(config_str(conf, "data")) != 0) { /* keeps no other folder busy; a core file lands here */
        err_errno(&err, config_str(conf, "data"));
        goto out;
    }
    if (!table_load(&table, paths.table, &err) || !orphan_clear(&table, paths.status, &err))
        goto out;
    if (config_bool(conf, "clear") ||
        supervisor_run(&table, &paths, (size_t)config_int(conf, "supervise.log_bytes"), &err))
        status = EXIT_SUCCESS;
out:
    if (err.code != ERR_NONE) {
        log_error("supervise_failed", LERR(&err));
        fprintf(stderr, "yz-supervise: %s\n", err.text);
    }
    table_free(&table);
    config_free(conf);
    if (lock >= 0)
        close(lock);
    return status;
}
