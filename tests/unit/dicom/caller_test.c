#include "dicom/caller.h"
#include "records/roles.h"
#include "tests/unit/test.h"
#include <string.h>

static bool parse(struct caller *out, const char *line)
{
    return caller_parse(out, line, strlen(line));
}

TEST(caller, is_what_signald_wrote)
{
    struct caller c;

    CHECK(parse(&c,
                "region=150000;tenant=21;account=315;person=0;staff=205;roles=8;session=384226543616000001"));
    CHECK_INT(c.region_id, 150000);
    CHECK_INT(c.tenant_id, 21);
    CHECK_INT(c.account_id, 315);
    CHECK_INT(c.person_id, 0);
    CHECK_INT(c.staff_id, 205);
    CHECK_INT(c.session_id, 384226543616000001);
    CHECK(c.roles == ROLE_OPERATOR);
    CHECK_INT(caller_scope(&c).actor_id, 315);
}

TEST(caller, of_a_token_has_no_session)
{
    struct caller c;

    CHECK(parse(&c, "region=150000;tenant=21;account=315;person=0;staff=0;roles=1;session="));
    CHECK_INT(c.session_id, 0);
    CHECK(parse(&c, "region=150000;tenant=21;account=315;person=0;staff=0;roles=1;session=0"));
}

TEST(caller, is_nobody_when_the_line_is_another)
{
    static const char *const LINES[] = {
        "",
        "region=150000",
        "region=150000;tenant=21;account=315;person=0;staff=205;roles=8", /* no session */
        "region=0;tenant=21;account=315;person=0;staff=205;roles=8;session=1",
        "region=150000;tenant=21;account=0;person=0;staff=205;roles=8;session=1",
        "region=150000;tenant=21;account=315;person=0;staff=205;roles=8;session=1;session=2",
        "region=150000;tenant=21;account=315;person=0;staff=205;roles=4294967296;session=1",
        "region=150000;tenant=-1;account=315;person=0;staff=205;roles=8;session=1",
        "region=150000;tenant=21;account=315;person=0;staff=205;roles=8;session=1;admin=1",
        "region=150000;;tenant=21;account=315;person=0;staff=205;roles=8;session=1",
        "region=150000; tenant=21;account=315;person=0;staff=205;roles=8;session=1",
    };
    struct caller c;

    for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++) {
        CHECK(!parse(&c, LINES[i]));
        CHECK_INT(c.account_id, 0);
    }
}
