/* sandbox_rig.h - yz-paysandbox as a process of its own, a merchant's client beside it, and the door where callbacks arrive.
 * Everything waits for its condition, with a deadline of ten seconds. */
#pragma once
#include <sys/types.h>
#include "billing/wechat_body.h"
#include "tests/unit/test.h"

struct sandbox_rig {
    const char *dir;
    pid_t pid;
    int door; /* listens for callbacks */
};
void sandbox_start(struct sandbox_rig *rig, struct test *t);
/** kill -9, and a new process on the same journal. */
void sandbox_crash(struct sandbox_rig *rig);

struct sandbox_answer {
    int status;
    char *body; /* freed after the test */
    size_t len;
    json_t *doc; /* of a JSON body, or NULL; the same */
};
/** Signed as the merchant; the answer's own signature is checked. body is taken; NULL: none. */
struct sandbox_answer sandbox_ask(struct sandbox_rig *rig, struct test *t, const char *method,
                                  const char *url, char *body);
/** Without or with any Authorization; nothing is checked. */
struct sandbox_answer sandbox_raw(struct sandbox_rig *rig, struct test *t, const char *method,
                                  const char *url, const char *authorization, const char *body);
/** ask() that must be answered with this status. */
json_t *sandbox_wants(struct sandbox_rig *rig, struct test *t, int status, const char *method,
                      const char *url, char *body);
void sandbox_pay(struct sandbox_rig *rig, struct test *t, const char *no);
void sandbox_faults(struct sandbox_rig *rig, struct test *t, const char *json);

/** The next callback, answered with status. true: it is the channel's, and notice is set (freed after the test). */
bool sandbox_callback(struct sandbox_rig *rig, struct test *t, int status, struct wechat_notice *notice,
                      struct err *err);
