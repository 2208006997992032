/* yunzhen: the operator's command.
 *
 *   yunzhen [--data=FOLDER] [--home=FOLDER] [--db=CONNINFO] [--region=ID] COMMAND … [--json] [--help]
 *
 * Exit status: see enum cli_exit; `yunzhen --help` prints it. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/ids.h"
#include "core/log.h"
#include "core/mem.h"
#include "ops/cli/cli.h"

static const struct command {
    const char *word, *sub; /* sub NULL: the word alone */
    cli_command *run;
    const char *usage, *why;
} COMMANDS[] = {
    {"status", NULL, cmd_status, "[--wait=SECONDS [--progress]]",
     "What runs, since when, how often it was restarted."},
    {"config", NULL, cmd_config, "[NAME] [--check]",
     "Every setting of every program: value, default, range, meaning."},
    {"token", NULL, cmd_token, "--user=LOGIN [--room=R|* --publish --subscribe] [--ttl=SECONDS]",
     "A bearer token for scripts, good for an hour."},
    {"tenant", "list", cmd_tenant_list, "", "The organisations on this platform."},
    {"tenant", "show", cmd_tenant_show, "ID", "One organisation and how many people it has."},
    {"user", "list", cmd_user_list, "[--role=ROLE] [--tenant=ID]", "Accounts and their roles."},
    {"user", "add", cmd_user_add,
     "LOGIN --name=NAME --tenant=ID --role=ROLE [--title=TITLE | --sex=S --birth-date=DATE] "
     "[--password-stdin]",
     "A new account; prints its first password."},
    {"user", "set-password", cmd_user_set_password, "LOGIN [--password-stdin]",
     "A new password; every session of the account ends."},
    {"user", "demo-passwords", cmd_user_demo_passwords, "", "The demo accounts of this installation."},
    {"room", "list", cmd_room_list, "[--all]", "Open rooms: which media worker has them, until when."},
    {"verify", "audit", cmd_verify_audit, "",
     "Prove the audit trail: every chain, every seal; names the first row that differs."},
    {"verify", "recording", cmd_verify_recording, "DIR [--key=FILE]",
     "Prove a recording: signature, chain, files; names the segment that differs."},
    {"verify", "report", cmd_verify_report, "",
     "Prove the signed reports: every version, chain and signature; names the first that differs."},
    {"migrate", NULL, cmd_migrate, "", "Bring the database to the newest shape."},
    {"prepare", NULL, cmd_prepare, "[--demo=true|false]",
     "Roles, database, migrations, the key reports are signed with, demo data: what ops/up runs at every "
     "start."},
};
#define COMMANDS_N (sizeof COMMANDS / sizeof *COMMANDS)

static void print_help(FILE *to, const char *word)
{
    fprintf(to, "usage: yunzhen [--data=FOLDER] COMMAND … [--json] [--help]\n\n");
    for (size_t i = 0; i < COMMANDS_N; i++) {
        const struct command *c = &COMMANDS[i];

        if (!word || strcmp(word, c->word) == 0)
            fprintf(to, "  %s%s%s %s\n        %s\n", c->word, c->sub ? " " : "", c->sub ? c->sub : "",
                    c->usage, c->why);
    }
    fprintf(to,
            "\nexit status: 0 done, 1 it could not be done, 2 not understood, 3 not running or not ready,\n"
            "             4 no such thing, 5 a proof failed\n");
}

static const struct command *find_command(const char *word, const char *sub)
{
    for (size_t i = 0; i < COMMANDS_N; i++) {
        const struct command *c = &COMMANDS[i];

        if (strcmp(c->word, word) == 0 && (!c->sub || (sub && strcmp(c->sub, sub) == 0)))
            return c;
    }
    return NULL;
}

/* Global words may stand anywhere; they are taken out of argv. */
struct globals {
    const char *data, *home, *db, *region;
    bool help, json;
};

static bool take_global(struct globals *g, const char *arg)
{
    static const char *const NAMES[] = {"--data=", "--home=", "--db=", "--region="};
    const char **values[] = {&g->data, &g->home, &g->db, &g->region};

    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strncmp(arg, NAMES[i], strlen(NAMES[i])) == 0) {
            *values[i] = arg + strlen(NAMES[i]);
            return true;
        }
    }
    if (strcmp(arg, "--json") == 0)
        return g->json = true;
    if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
        return g->help = true;
    return false;
}

static int take_globals(struct globals *g, int argc, char **argv)
{
    int left = 0;

    for (int i = 1; i < argc; i++) {
        if (!take_global(g, argv[i]))
            argv[left++] = argv[i];
    }
    return left;
}

static int usage_error(const struct cli *cli, const char *word)
{
    struct err err = ERR_INIT;

    err_set(&err, ERR_INVALID, "usage", "%s%s: no such command; yunzhen --help lists them", word ? word : "",
            word ? "" : "no command");
    return out_error(cli, &err);
}

int main(int argc, char **argv)
{
    struct globals g = {.data = getenv("YUNZHEN_DATA")};
    struct cli cli = {0};
    const struct command *c;
    char *own_db = NULL;
    int n, status;

    setlocale(LC_CTYPE, "");
    log_init("yunzhen", LOG_WARN);
    n = take_globals(&g, argc, argv);
    cli.data = g.data ? g.data : "var";
    cli.home = g.home ? g.home : ".";
    cli.json = g.json;
    if (!g.db)
        g.db = own_db = mem_format("host='%s/run/pg' dbname=yunzhen user=yz_owner", cli.data);
    cli.db = g.db;
    if (g.help || n == 0) {
        print_help(g.help ? stdout : stderr, n > 0 ? argv[0] : NULL);
        free(own_db);
        return g.help ? CLI_OK : CLI_USAGE;
    }
    c = find_command(argv[0], n > 1 ? argv[1] : NULL);
    if (!c || (g.region && !id_parse(g.region, strlen(g.region), &cli.region_id)))
        status = usage_error(&cli, c ? "--region" : argv[0]);
    else
        status = c->run(&cli, n - (c->sub ? 2 : 1), argv + (c->sub ? 2 : 1));
    free(own_db);
    return status;
}
