#include "tests/unit/pg_server.h"
#include "core/clock.h"
#include "core/db/migrate.h"
#include "core/mem.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOBODY  65534
#define WAIT_US (60 * US_PER_S)

struct pg_server {
    char *data, *host;
    pid_t pid; /* 0: halted */
};

static void die(const char *what)
{
    fprintf(stderr, "test database: %s: %s\n", what, strerror(errno));
    _exit(3);
}

/* --- programs, as somebody PostgreSQL accepts --- */

static void drop_root(void)
{
    if (geteuid() != 0)
        return;
    if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        die("give up root");
}

static const char *bin(const char *program)
{
    static char path[300];
    DIR *d;
    struct dirent *e;

    snprintf(path, sizeof path, "/usr/lib/postgresql/15/bin/%s", program);
    if (access(path, X_OK) == 0)
        return path;
    d = opendir("/usr/lib/postgresql");
    while (d && (e = readdir(d))) {
        snprintf(path, sizeof path, "/usr/lib/postgresql/%.20s/bin/%s", e->d_name, program);
        if (access(path, X_OK) == 0)
            break;
        path[0] = '\0';
    }
    if (d)
        closedir(d);
    if (!path[0])
        snprintf(path, sizeof path, "%s", program); /* the PATH may know it */
    return path;
}

/* Runs in the child: quiet, unprivileged, ended with its parent. */
static void become(const char *log, char *const argv[])
{
    int fd = log ? open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : open("/dev/null", O_WRONLY);
    sigset_t none;

    if (fd < 0)
        die(log);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (chdir("/") != 0)
        die("chdir");
    execvp(argv[0], argv);
    _exit(127);
}

static void run(char *const argv[])
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        drop_root();
        become(NULL, argv);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        errno = ECHILD;
        die(argv[0]);
    }
}

/* --- folders --- */

static bool server_can_use(const char *dir)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        drop_root();
        _exit(access(dir, R_OK | W_OK | X_OK) == 0 ? 0 : 1);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void make_dir(const char *dir)
{
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        die(dir);
    if (geteuid() == 0 && chown(dir, NOBODY, NOBODY) != 0)
        die(dir);
}

const char *pg_base(void)
{
    static char *base;
    unsigned hash = 5381;

    if (base)
        return base;
    base = mem_format("%s/tests/pg", YZ_BUILD_DIR);
    if (mkdir(base, 0700) == 0 || errno == EEXIST) {
        make_dir(base);
        if (server_can_use(base))
            return base;
    }
    free(base);
    for (const char *p = YZ_BUILD_DIR; *p; p++)
        hash = hash * 33 + (unsigned char)*p;
    base = mem_format("/tmp/yz-pg-%u-%08x", (unsigned)geteuid(), hash);
    make_dir(base);
    return base;
}

static void remove_tree(const char *dir)
{
    run((char *[]){(char[]){"rm"}, (char[]){"-rf"}, (char *)(uintptr_t)dir, NULL});
}

/* What killed runs left behind: folders of ours named after a process that is no more. */
static void sweep(const char *parent, const char *pattern)
{
    uid_t mine = geteuid() == 0 ? NOBODY : geteuid();
    DIR *d = opendir(parent);
    struct dirent *e;
    struct stat st;
    int pid;

    while (d && (e = readdir(d))) {
        if (sscanf(e->d_name, pattern, &pid) != 1 || kill(pid, 0) == 0 || errno != ESRCH)
            continue;
        char *dir = mem_format("%s/%s", parent, e->d_name);
        if (lstat(dir, &st) == 0 && st.st_uid == mine)
            remove_tree(dir);
        free(dir);
    }
    if (d)
        closedir(d);
}

/* initdb takes seconds, a copy does not. */
static char *template_dir(void)
{
    char *dir = mem_format("%s/initdb", pg_base()), *half = mem_format("%s/initdb.half", pg_base());
    char *lock = mem_format("%s/lock", pg_base());
    int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        die(lock);
    if (access(dir, F_OK) != 0) {
        char *program = mem_str(bin("initdb"));
        remove_tree(half);
        run((char *[]){program, (char[]){"-D"}, half, (char[]){"-U"}, (char[]){PG_SUPERUSER},
                       (char[]){"--auth=trust"}, (char[]){"--encoding=UTF8"}, (char[]){"--locale=C.UTF-8"},
                       (char[]){"--no-sync"}, NULL});
        free(program);
        if (rename(half, dir) != 0)
            die(dir);
    }
    close(fd);
    free(half);
    free(lock);
    return dir;
}

/* --- the server --- */

static void wait_ready(const struct pg_server *s)
{
    char *conninfo = mem_format("host=%s user=%s dbname=postgres", s->host, PG_SUPERUSER);
    int64_t deadline = clock_mono_us() + WAIT_US;
    struct timespec pause = {.tv_nsec = 20000000};

    while (PQping(conninfo) != PQPING_OK) {
        if (clock_mono_us() > deadline || waitpid(s->pid, NULL, WNOHANG) == s->pid) {
            errno = ETIMEDOUT;
            die("the server did not start, see server.log");
        }
        nanosleep(&pause, NULL);
    }
    free(conninfo);
}

void pg_server_again(struct pg_server *s)
{
    char *program = mem_str(bin("postgres")), *log = mem_format("%s/server.log", s->data);

    s->pid = fork();
    if (s->pid < 0)
        die("fork");
    if (s->pid == 0) {
        drop_root();
        /* After the change of user, which would clear it. */
        prctl(PR_SET_PDEATHSIG, SIGQUIT);
        setpgid(0, 0);
        become(log, (char *[]){program, (char[]){"-D"}, s->data, (char[]){"-k"}, s->host, (char[]){"-h"},
                               (char[]){""}, (char[]){"-F"}, (char[]){"-N"}, (char[]){"100"}, (char[]){"-c"},
                               (char[]){"shared_buffers=32MB"}, (char[]){"-c"},
                               (char[]){"max_wal_size=256MB"}, NULL});
    }
    free(program);
    free(log);
    wait_ready(s);
}

struct pg_server *pg_server_start(void)
{
    static int count;
    struct pg_server *s = mem_new(sizeof *s);
    char *from = template_dir();

    sweep(pg_base(), "run-%d-");
    sweep("/tmp", "yz-pgs-%d-");
    s->data = mem_format("%s/run-%d-%d", pg_base(), (int)getpid(), count++);
    remove_tree(s->data);
    run((char *[]){(char[]){"cp"}, (char[]){"-a"}, (char[]){"--reflink=auto"}, from, s->data, NULL});
    free(from);
    s->host = mem_format("/tmp/yz-pgs-%d-XXXXXX", (int)getpid());
    if (!mkdtemp(s->host))
        die(s->host);
    make_dir(s->host);
    pg_server_again(s);
    return s;
}

void pg_server_halt(struct pg_server *s, enum pg_stop how)
{
    char *lock = mem_format("%s/postmaster.pid", s->data);

    if (!s->pid)
        return;
    if (how == PG_KILL)
        kill(-s->pid, SIGKILL); /* backends, too: the server made its own process group */
    else
        kill(s->pid, SIGINT);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
    if (how == PG_KILL)
        unlink(lock);
    free(lock);
}

void pg_server_free(struct pg_server *s)
{
    if (!s)
        return;
    if (s->pid) {
        kill(s->pid, SIGQUIT); /* nothing is worth saving */
        waitpid(s->pid, NULL, 0);
    }
    remove_tree(s->data);
    remove_tree(s->host);
    free(s->data);
    free(s->host);
    free(s);
}

const char *pg_server_host(const struct pg_server *s)
{
    return s->host;
}

/* --- roles and the migrated template --- */

static void must(bool ok, const struct err *err)
{
    if (ok)
        return;
    fprintf(stderr, "test database: %s\n", err->text);
    _exit(3);
}

static void exec_as(const struct pg_server *s, const char *db, const char *sql)
{
    char *conninfo = mem_format("host=%s user=%s dbname=%s", s->host, PG_SUPERUSER, db);
    struct db_sync *conn;
    struct err err = ERR_INIT;

    must(db_sync_open(&conn, conninfo, &err), &err);
    must(db_sync_exec(conn, sql, &err), &err);
    db_sync_close(conn);
    free(conninfo);
}

static void make_roles(const struct pg_server *s)
{
    static char sql[16384] = "CREATE ROLE yz_owner LOGIN CREATEROLE";
    FILE *f = fopen(YZ_SOURCE_DIR "/ops/postgres/roles.sql", "re");

    if (f) {
        sql[fread(sql, 1, sizeof sql - 1, f)] = '\0';
        fclose(f);
    }
    exec_as(s, "postgres", sql);
}

void pg_server_prepare(const struct pg_server *s)
{
    char *conninfo = mem_format("host=%s user=yz_owner dbname=yz_template", s->host);
    struct db_sync *conn;
    struct err err = ERR_INIT;

    make_roles(s);
    exec_as(s, "postgres", "CREATE DATABASE yz_template OWNER yz_owner");
    must(db_sync_open(&conn, conninfo, &err), &err);
    must(migrate_run(conn, YZ_SOURCE_DIR, NULL, &err), &err);
    db_sync_close(conn);
    free(conninfo);
}
