/* yunzhen tenant, user list, room list: questions with one statement each. */
#include <string.h>
#include "core/ids.h"
#include "ops/cli/cli.h"
#include "ops/cli/store.sql.h"

static int answer_rows(struct cli *cli, const struct db_stmt *stmt,
                       void (*fill)(struct db_args *, const struct cli *, void *), void *arg,
                       const char *const *columns)
{
    struct db_sync *s = NULL;
    struct db_args args;
    struct err err = ERR_INIT;
    json_t *rows;

    if (!cli_db_open(&s, cli, &err))
        return out_error(cli, &err);
    db_args_init(&args);
    fill(&args, cli, arg);
    if (cli_query(&rows, s, cli, stmt, &args, &err))
        out_rows(cli, rows, columns);
    db_sync_close(s);
    return err.code == ERR_NONE ? CLI_OK : out_error(cli, &err);
}

static void fill_region(struct db_args *a, const struct cli *cli, void *arg)
{
    (void)arg;
    db_arg_id(a, cli->region_id);
}

int cmd_tenant_list(struct cli *cli, int argc, char **argv)
{
    static const char *const COLUMNS[] = {"id", "kind", "care_level", "name", "parent", "state", NULL};
    struct err err = ERR_INIT;

    if (!cli_parse(NULL, argc, argv, NULL, 0, 0, NULL, &err))
        return out_error(cli, &err);
    return answer_rows(cli, &SQL_cli_tenants, fill_region, NULL, COLUMNS);
}

int cmd_tenant_show(struct cli *cli, int argc, char **argv)
{
    const char *word = NULL;
    struct db_sync *s = NULL;
    struct db_args args;
    struct err err = ERR_INIT;
    json_t *rows = NULL;
    int64_t id;

    if (!cli_parse(NULL, argc, argv, &word, 1, 1, NULL, &err))
        return out_error(cli, &err);
    if (!id_parse(word, strlen(word), &id)) {
        err_set(&err, ERR_INVALID, "usage", "%s is not an id", word);
        return out_error(cli, &err);
    }
    if (!cli_db_open(&s, cli, &err))
        return out_error(cli, &err);
    db_args_init(&args);
    db_arg_id(&args, cli->region_id);
    db_arg_id(&args, id);
    if (cli_query(&rows, s, cli, &SQL_cli_tenant, &args, &err)) {
        if (json_array_size(rows) == 1)
            out_object(cli, json_incref(json_array_get(rows, 0)));
        else
            err_set(&err, ERR_NOT_FOUND, "tenant_unknown", "no tenant has the id %s", word);
    }
    json_decref(rows);
    db_sync_close(s);
    return err.code == ERR_NONE ? CLI_OK : out_error(cli, &err);
}

struct user_filter {
    const char *role;
    int64_t tenant_id;
};

static void fill_users(struct db_args *a, const struct cli *cli, void *arg)
{
    const struct user_filter *f = arg;

    db_arg_id(a, cli->region_id);
    db_arg_str(a, f->role);
    db_arg_id(a, f->tenant_id);
}

int cmd_user_list(struct cli *cli, int argc, char **argv)
{
    static const char *const COLUMNS[] = {"login", "name", "roles", "tenant", "tenant_id", "state", NULL};
    struct user_filter filter = {0};
    const char *tenant = NULL;
    const struct cli_option options[] = {{"role", &filter.role, NULL, "ROLE", "only accounts with this role"},
                                         {"tenant", &tenant, NULL, "ID", "only this tenant's"},
                                         {0}};
    struct err err = ERR_INIT;

    if (!cli_parse(options, argc, argv, NULL, 0, 0, NULL, &err))
        return out_error(cli, &err);
    if (tenant && !id_parse(tenant, strlen(tenant), &filter.tenant_id)) {
        err_set(&err, ERR_INVALID, "usage", "--tenant: %s is not an id", tenant);
        return out_error(cli, &err);
    }
    return answer_rows(cli, &SQL_cli_users, fill_users, &filter, COLUMNS);
}

static void fill_rooms(struct db_args *a, const struct cli *cli, void *arg)
{
    db_arg_id(a, cli->region_id);
    db_arg_bool(a, *(bool *)arg);
}

int cmd_room_list(struct cli *cli, int argc, char **argv)
{
    static const char *const COLUMNS[] = {"room",  "state",    "worker",   "epoch",
                                          "until", "machines", "visit_id", NULL};
    bool all = false;
    const struct cli_option options[] = {{"all", NULL, &all, NULL, "closed ones too"}, {0}};
    struct err err = ERR_INIT;

    if (!cli_parse(options, argc, argv, NULL, 0, 0, NULL, &err))
        return out_error(cli, &err);
    return answer_rows(cli, &SQL_cli_rooms, fill_rooms, &all, COLUMNS);
}
