/* The table of routes and openapi.json say the same, in both directions. */
#include "core/json.h"
#include "core/mem.h"
#include "signaling/role.h"
#include "signaling/route.h"
#include "tests/unit/test.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *document(struct test *t)
{
    static json_t *doc;

    (void)t;
    if (!doc)
        doc = json_load_file(YZ_SOURCE_DIR "/signaling/openapi.json", 0, NULL);
    CHECK(doc != NULL);
    return doc;
}

static void lower(const char *in, char out[16])
{
    size_t i;

    for (i = 0; in[i] && i < 15; i++)
        out[i] = (char)tolower((unsigned char)in[i]);
    out[i] = '\0';
}

static const json_t *described(struct test *t, const struct route *r)
{
    char method[16];

    lower(http_method_name(r->method), method);
    return json_object_get(json_object_get(json_object_get(document(t), "paths"), r->path), method);
}

static const struct route *routed(const char *method, const char *path)
{
    char name[16];

    for (size_t i = 0; i < ROUTES_N; i++) {
        lower(http_method_name(ROUTES[i].method), name);
        if (!strcmp(name, method) && !strcmp(ROUTES[i].path, path))
            return &ROUTES[i];
    }
    return NULL;
}

TEST(routes, are_all_described)
{
    for (size_t i = 0; i < ROUTES_N; i++)
        if (!described(t, &ROUTES[i]))
            fail_msg("not in openapi.json: %s %s", http_method_name(ROUTES[i].method), ROUTES[i].path);
}

TEST(routes, described_are_all_there)
{
    const char *path, *method;
    json_t *item, *op;

    json_object_foreach(json_object_get(document(t), "paths"), path, item) json_object_foreach(
        item, method,
        op) if (strcmp(path, "/ws") && !routed(method, path)) /* the socket is an upgrade, not a route */
        fail_msg("only in openapi.json: %s %s", method, path);
}

TEST(routes, let_in_whom_the_description_says)
{
    for (size_t i = 0; i < ROUTES_N; i++) {
        const struct route *r = &ROUTES[i];
        const json_t *roles = json_object_get(described(t, r), "x-roles");
        const char *first = json_string_value(json_array_get(roles, 0));
        bool any = first && !strcmp(first, "*"), open = json_array_size(roles) == 0;
        bool bearer = first && !strncmp(first, "bearer:", 7);
        uint32_t want = any || open || bearer ? ROUTE_ANY_ROLE : role_bits(roles);
        if (r->roles != want || open != ((r->flags & ROUTE_OPEN) != 0) ||
            bearer != ((r->flags & ROUTE_BEARER) != 0) ||
            json_is_true(json_object_get(described(t, r), "x-step-up")) != ((r->flags & ROUTE_STEP_UP) != 0))
            fail_msg("roles differ: %s %s", http_method_name(r->method), r->path);
    }
}

TEST(routes, of_an_owner_name_its_operation)
{
    char key[32];

    for (size_t i = 0; i < ROUTES_N; i++)
        for (int owner = 0; owner < OWNERS_N; owner++) {
            const struct route *r = &ROUTES[i];
            const char *op;

            snprintf(key, sizeof key, "x-%s-op", OWNERS[owner].name);
            op = json_string_value(json_object_get(described(t, r), key));
            CHECK((op != NULL) == (!r->handler && (int)OWNER_OF(r->op) == owner));
            if (op) {
                CHECK(OWNER_OP_NUMBER(r->op) < OWNERS[owner].ops_n);
                CHECK_STR(op, OWNERS[owner].ops[OWNER_OP_NUMBER(r->op)].name);
            }
        }
}

TEST(routes, answer_with_the_status_that_is_described)
{
    char status[8];

    for (size_t i = 0; i < ROUTES_N; i++) {
        if (ROUTES[i].handler)
            continue;
        snprintf(status, sizeof status, "%d", ROUTES[i].ok_status);
        CHECK(json_object_get(json_object_get(described(t, &ROUTES[i]), "responses"), status) != NULL);
    }
}

TEST(routes, take_a_body_exactly_where_one_is_described)
{
    for (size_t i = 0; i < ROUTES_N; i++) {
        const json_t *content =
            json_object_get(json_object_get(described(t, &ROUTES[i]), "requestBody"), "content");
        const char *type = ROUTES[i].flags & ROUTE_JSON ? "application/json" : ROUTES[i].body_type;
        CHECK((content != NULL) == (ROUTES[i].body_max > 0));
        if (content && !json_object_get(content, type))
            fail_msg("body type differs: %s", ROUTES[i].path);
    }
}

TEST(route, finds_parameters_and_refuses_what_is_no_id)
{
    const struct route_table table = {ROUTES, ROUTES_N};
    char params[REQUEST_PARAMS][REQUEST_PARAM_MAX], allow[96];
    const struct route *r = NULL;

    CHECK_INT(route_find(&table, HTTP_GET, "/api/v1/visits/384226543616000001/recording/tracks/t1", &r,
                         params, allow),
              ROUTE_FOUND);
    CHECK_STR(params[0], "384226543616000001");
    CHECK_STR(params[1], "t1");
    CHECK_INT(route_find(&table, HTTP_GET, "/api/v1/visits/abc", &r, params, allow), ROUTE_NONE);
    CHECK_INT(route_find(&table, HTTP_GET, "/api/v1/visits/99999999999999999999", &r, params, allow),
              ROUTE_NONE);
    CHECK_INT(route_find(&table, HTTP_GET, "/api/v1/visits/1/recording/tracks/..", &r, params, allow),
              ROUTE_NONE);
    CHECK_INT(route_find(&table, HTTP_GET, "/api/v1/visits/1/recording/tracks/a b", &r, params, allow),
              ROUTE_NONE);
    CHECK_INT(route_find(&table, HTTP_GET, "/api/v1/visits/", &r, params, allow), ROUTE_NONE);
    CHECK_INT(route_find(&table, HTTP_GET, "/api/v1/clinics/", &r, params, allow), ROUTE_NONE);
}

TEST(route, of_another_method_says_which_ones_there_are)
{
    const struct route_table table = {ROUTES, ROUTES_N};
    char params[REQUEST_PARAMS][REQUEST_PARAM_MAX], allow[96];
    const struct route *r = NULL;

    CHECK_INT(route_find(&table, HTTP_PUT, "/api/v1/session", &r, params, allow), ROUTE_OTHER_METHOD);
    CHECK_STR(allow, "POST, GET, HEAD, DELETE");
    CHECK_INT(route_find(&table, HTTP_HEAD, "/healthz", &r, params, allow), ROUTE_FOUND);
}
