#include "signaling/owner_forward.h"
#include "core/json.h"
#include "core/mem.h"
#include "signaling/owner_link.h"
#include "signaling/route.h"
#include "signaling/signald.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_answer(void *arg, const char *text, size_t len, const struct err *err, const json_t *details)
{
    struct request *req = arg;

    if (err)
        request_problem(req, err, details);
    else
        request_answer_text(req, req->route->ok_status, "application/json", mem_copy(text, len ? len : 1),
                            len);
}

/* What stood in the path wins over a member of the same name: the address is what was checked and logged. */
static void add_params(json_t *doc, const struct request *req)
{
    char name[32];

    for (int i = 0; i < REQUEST_PARAMS && route_param_name(req->route, i, name); i++)
        json_object_set_new(doc, name, json_string(req->param[i]));
}

static bool add_query(json_t *doc, const struct request *req)
{
    char name[32];

    for (const char *p = req->route->query; p && *p;) {
        size_t len = strcspn(p, " ");
        const char *value;
        memcpy(name, p, len);
        name[len] = '\0';
        value = request_query(req, name);
        if (value) {
            json_t *text = json_string(value); /* NULL when it is not UTF-8 */
            if (!text)
                return false;
            json_object_set_new(doc, name, text);
        }
        p += len;
        p += *p == ' ';
    }
    return true;
}

void owner_forward(struct request *req)
{
    const struct identity *who = req->who;
    json_t *doc = req->json ? json_incref(req->json) : json_object();
    struct ask_request ask = {
        .op = OWNER_OP_NUMBER(req->route->op),
        .region_id = who->region_id,
        .tenant_id = who->tenant_id,
        .account_id = who->account_id,
        .person_id = who->person_id,
        .staff_id = who->staff_id,
        .roles = who->roles,
    };
    char *body;

    if (!add_query(doc, req)) {
        json_decref(doc);
        request_refuse(req, ERR_INVALID, "bad_value", "a query parameter is not UTF-8");
        return;
    }
    add_params(doc, req);
    snprintf(ask.key, sizeof ask.key, "%s", req->idempotency);
    snprintf(ask.client_id, sizeof ask.client_id, "%s", req->id);
    body = json_text(doc, &ask.body_len);
    ask.body = (const uint8_t *)body;
    owner_link_ask(request_app(req)->owners[OWNER_OF(req->route->op)], &ask, on_answer, req);
    free(body);
    json_decref(doc);
}
