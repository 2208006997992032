#include "tests/unit/test.h"
#include "ops/cli/password.h"
#include <string.h>
#include <sys/stat.h>

TEST(password, is_three_groups_of_four_letters_that_nobody_mixes_up)
{
    char a[PASSWORD_TEXT], b[PASSWORD_TEXT];

    password_random(a);
    password_random(b);
    CHECK_INT(strlen(a), 14);
    CHECK(a[4] == '-' && a[9] == '-');
    CHECK_INT(strcspn(a, "ilo01_"), 14);
    CHECK(strcmp(a, b) != 0);
}

TEST(password, the_demo_accounts_file_is_for_its_owner_only)
{
    struct cli cli = {.data = test_dir(t)};
    json_t *list = json_pack("[{s:s, s:s}]", "login", "patient1", "password", "x"), *again;
    struct err err = ERR_INIT;
    struct stat st;

    CHECK_OK(demo_accounts_save(&cli, list, &err), &err);
    CHECK_INT(stat(test_path(t, cli.data, "demo-accounts"), &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    again = demo_accounts_load(&cli);
    CHECK(json_equal(list, again));
    json_decref(again);
    json_decref(list);
}

TEST(password, without_a_file_there_are_no_demo_accounts)
{
    struct cli cli = {.data = test_dir(t)};
    json_t *list = demo_accounts_load(&cli);

    CHECK(json_is_array(list) && json_array_size(list) == 0);
    json_decref(list);
}
