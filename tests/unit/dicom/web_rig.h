/* web_rig.h - the HTTP side of yz-dicomd alone: a child serves it on a real PostgreSQL, with objects the test put there and a door
 * for uploads that the test plays. Requests are blocking; what comes back is lent until the next one. */
#pragma once
#include "tests/unit/pg_fixture.h"

#define OPERATOR   "region=150000;tenant=21;account=315;person=0;staff=205;roles=8;session=1"
#define DOCTOR_21  "region=150000;tenant=21;account=314;person=0;staff=204;roles=4;session=2"
#define PATIENT_2  "region=150000;tenant=21;account=302;person=102;staff=0;roles=1;session=3"
#define ELSEWHERE  "region=150000;tenant=31;account=321;person=0;staff=211;roles=512;session=4"
#define STUDY_A    "1.2.826.1.100"
#define SERIES_A   "1.2.826.1.100.1"
#define INSTANCE_A "1.2.826.1.100.1.1"
#define AT_A       "/dicomweb/studies/" STUDY_A "/series/" SERIES_A "/instances/" INSTANCE_A

struct web_rig {
    struct test *t;
    const char *dir;
    int pid;
};

struct web_answer {
    int status;
    char head[8192];
    char *body; /* NUL behind it; chunks put together */
    size_t len;
};

/** Study A (CT, 王^小东, two instances of 2 frames of 4 bytes; the second one JPEG-LS, one frame in two pieces) of house 21, matched to
 * person 102; study B of house 21 (unmatched), study C of house 11. */
struct web_rig *web_rig_start(struct test *t);
/** line: X-Yz-Identity, or NULL. more: "Name: value\r\n"… */
const struct web_answer *web_rig_ask(struct web_rig *r, const char *method, const char *path,
                                     const char *line, const char *more);
const struct web_answer *web_rig_get(struct web_rig *r, const char *path, const char *line,
                                     const char *accept);
/** The bytes become a file of the spool. */
const struct web_answer *web_rig_store(struct web_rig *r, const char *path, const char *line,
                                       const char *type, const char *body, size_t len);
/** Is the header there with that value in it? */
bool web_answer_says(const struct web_answer *a, const char *text);
