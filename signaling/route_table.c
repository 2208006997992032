/* Every address, one row each; openapi.json says the same in more words, and a test holds the two together. */
#include "records/roles.h"
#include "signaling/api.h"
#include "signaling/machine.h"
#include "signaling/paper.h"
#include "signaling/recording.h"
#include "signaling/route.h"

#define PAT      ROLE_PATIENT
#define DOC      ROLE_DOCTOR
#define TOWN     ROLE_TOWNSHIP_DOCTOR
#define OPER     ROLE_OPERATOR
#define RDR      ROLE_READER
#define OFFI     ROLE_OFFICE
#define COOR     ROLE_COORDINATOR
#define SUPER    ROLE_SUPERVISOR
#define AUDI     ROLE_AUDITOR
#define ADMI     ROLE_ADMIN
#define OFFICES  (OFFI | COOR | ADMI)
#define EXAMS    (PAT | DOC | TOWN | OPER | RDR | COOR)
#define PAGED    (DOC | TOWN | OPER | COOR)
#define CLINICAL (PAT | DOC | TOWN | OPER | OFFI | COOR | SUPER)

#define SMALL (64 * 1024)
#define TEXT  (256 * 1024)
#define SDP   (64 * 1024)
#define V1    "/api/v1"

/* clang-format off */
#define OPEN(m, p, flags, fn)            {HTTP_##m, p, ROUTE_ANY_ROLE, ROUTE_OPEN | (flags), 0, NULL, fn, 0, 200, NULL}
#define READ(p, roles, flags, fn)        {HTTP_GET, p, roles, flags, 0, NULL, fn, 0, 200, NULL}
#define WRITE(m, p, roles, max, fn)      {HTTP_##m, p, roles, ROUTE_JSON, max, NULL, fn, 0, 200, NULL}
#define ASK(p, roles, op, query)         {HTTP_GET, p, roles, 0, 0, NULL, NULL, OWNER_OP(OWNER_SCHEDULER, SCHED_OP_##op), 200, query}
#define ORDER(m, p, roles, max, op, ok)  {HTTP_##m, p, roles, ROUTE_JSON, max, NULL, NULL, OWNER_OP(OWNER_SCHEDULER, SCHED_OP_##op), ok, NULL}
#define SIGN(m, p, roles, max, op)       {HTTP_##m, p, roles, ROUTE_JSON | ROUTE_STEP_UP, max, NULL, NULL, OWNER_OP(OWNER_SCHEDULER, SCHED_OP_##op), 200, NULL}
#define SHOW(p, roles, op, query)        {HTTP_GET, p, roles, 0, 0, NULL, NULL, OWNER_OP(OWNER_IMAGING, DICOM_OP_##op), 200, query}
#define FILE_AS(p, roles, op)            {HTTP_POST, p, roles, ROUTE_JSON, SMALL, NULL, NULL, OWNER_OP(OWNER_IMAGING, DICOM_OP_##op), 200, NULL}
#define MACHINE(m, p, max, type, fn)     {HTTP_##m, p, ROUTE_ANY_ROLE, ROUTE_BEARER | ROUTE_NO_ORIGIN, max, type, fn, 0, 201, NULL}

const struct route ROUTES[] = {
    /* who is calling */
    {HTTP_POST, V1 "/session", ROUTE_ANY_ROLE, ROUTE_OPEN | ROUTE_JSON, SMALL, NULL, api_login, 0, 201, NULL},
    READ(V1 "/session", ROUTE_ANY_ROLE, 0, api_session),
    {HTTP_DELETE, V1 "/session", ROUTE_ANY_ROLE, 0, 0, NULL, api_logout, 0, 204, NULL},
    WRITE(POST, V1 "/session/step-up", ROUTE_ANY_ROLE, SMALL, api_step_up),
    {HTTP_GET, "/internal/whoami", ROUTE_ANY_ROLE, ROUTE_UNCOUNTED, 0, NULL, api_whoami, 0, 204, NULL},
    WRITE(POST, V1 "/session/locale", ROUTE_ANY_ROLE, SMALL, api_locale),
    OPEN(GET, V1 "/config", ROUTE_GUEST | ROUTE_ETAG, api_config),

    /* consent and visits */
    READ(V1 "/consents/texts", ROUTE_ANY_ROLE, ROUTE_ETAG, api_consent_texts),
    WRITE(POST, V1 "/visits/{visit_id}/consents", PAT | TOWN, SMALL, api_consent_give),
    READ(V1 "/visits/{visit_id}/consents", ROUTE_ANY_ROLE, 0, api_consents),
    READ(V1 "/visits/{visit_id}", ROUTE_ANY_ROLE, 0, api_visit),
    READ(V1 "/visits/{visit_id}/recording", ROUTE_ANY_ROLE, 0, recording_get),
    READ(V1 "/visits/{visit_id}/recording/tracks/{track}", ROUTE_ANY_ROLE, 0, recording_track),

    /* who did what */
    READ(V1 "/audit", AUDI, 0, api_audit),
    READ(V1 "/persons/{person_id}/access-log", PAT | AUDI, 0, api_access_log),
    READ(V1 "/people", TOWN | OPER, 0, api_people),

    /* the scheduler's */
    ASK(V1 "/clinics", ROUTE_ANY_ROLE, CLINIC_LIST, NULL),
    ASK(V1 "/clinics/{clinic_id}/slots", ROUTE_ANY_ROLE, SLOT_LIST, "day"),
    ASK(V1 "/rosters", OFFICES | DOC | SUPER, ROSTER_LIST, "day"),
    ORDER(POST, V1 "/rosters", OFFICES, SMALL, ROSTER_CREATE, 201),
    ORDER(POST, V1 "/rosters/{roster_id}/publish", OFFICES, SMALL, ROSTER_PUBLISH, 200),
    ORDER(POST, V1 "/rosters/{roster_id}/cancel", OFFICES, SMALL, ROSTER_CANCEL, 200),
    ASK(V1 "/duty", DOC, DUTY_GET, NULL),
    ORDER(PUT, V1 "/duty", DOC, SMALL, DUTY_SET, 200),
    ORDER(POST, V1 "/appointments", PAT | TOWN | OPER, SMALL, APPOINTMENT_CREATE, 201),
    ORDER(POST, V1 "/appointments/{order_id}/cancel", PAT | TOWN | OPER | OFFI, SMALL, APPOINTMENT_CANCEL, 200),
    ORDER(POST, V1 "/orders", TOWN | OPER, SMALL, ORDER_CREATE, 201),
    ASK(V1 "/orders", CLINICAL, ORDER_LIST, "scope"),
    ASK(V1 "/orders/{order_id}", CLINICAL, ORDER_GET, NULL),
    ORDER(POST, V1 "/orders/{order_id}/claim", DOC, SMALL, ORDER_CLAIM, 200),
    ORDER(POST, V1 "/orders/{order_id}/check-in", PAT | TOWN | OPER, SMALL, ORDER_CHECK_IN, 200),
    ASK(V1 "/orders/{order_id}/waiting", PAT | TOWN | OPER | DOC, WAITING_GET, NULL),
    ORDER(POST, V1 "/orders/{order_id}/admit", DOC, SMALL, ORDER_ADMIT, 200),
    ORDER(POST, V1 "/orders/{order_id}/send-back", DOC, SMALL, ORDER_SEND_BACK, 200),
    ORDER(POST, V1 "/orders/{order_id}/end", DOC, SMALL, ORDER_END, 200),
    ORDER(POST, V1 "/orders/{order_id}/cancel", PAT | TOWN | OPER | DOC | COOR | OFFI, SMALL, ORDER_CANCEL, 200),
    ORDER(PUT, V1 "/orders/{order_id}/note", DOC, TEXT, ORDER_NOTE, 200),
    ORDER(POST, V1 "/orders/{order_id}/sign", DOC, SMALL, ORDER_SIGN, 200),
    ASK(V1 "/pool", DOC, POOL_LIST, NULL),

    /* exams and reading: the scheduler's, too */
    ORDER(POST, V1 "/exams", DOC | TOWN, SMALL, EXAM_CREATE, 201),
    ASK(V1 "/exams", EXAMS, EXAM_LIST, "scope visit_id"),
    ASK(V1 "/exams/{exam_id}", EXAMS, EXAM_GET, NULL),
    ORDER(POST, V1 "/exams/{exam_id}/cancel", DOC | TOWN | OPER, SMALL, EXAM_CANCEL, 200),
    ASK(V1 "/exams/{exam_id}/reports", EXAMS, REPORT_LIST, NULL),
    READ(V1 "/exams/{exam_id}/report.pdf", EXAMS, 0, paper_get),
    OPEN(GET, V1 "/verify/{code}", 0, paper_verify),

    ASK(V1 "/reading", RDR, READING_LIST, "modality"),
    ORDER(POST, V1 "/exams/{exam_id}/claim", RDR, SMALL, EXAM_CLAIM, 200),
    ORDER(POST, V1 "/exams/{exam_id}/release", RDR, SMALL, EXAM_RELEASE, 200),
    ORDER(PUT, V1 "/exams/{exam_id}/draft", RDR, TEXT, EXAM_DRAFT, 200),
    SIGN(POST, V1 "/exams/{exam_id}/sign", RDR, SMALL, EXAM_SIGN),
    SIGN(POST, V1 "/exams/{exam_id}/amend", RDR, TEXT, EXAM_AMEND),
    ORDER(POST, V1 "/exams/{exam_id}/reject", RDR, SMALL, EXAM_REJECT, 200),
    ORDER(POST, V1 "/exams/{exam_id}/critical", RDR, SMALL, EXAM_CRITICAL, 200),
    ASK(V1 "/exams/{exam_id}/priors", RDR, EXAM_PRIORS, NULL),
    ASK(V1 "/report-templates", RDR, TEMPLATE_LIST, "modality"),
    ASK(V1 "/alerts", PAGED, ALERT_LIST, NULL),
    ORDER(POST, V1 "/alerts/{alert_id}/acknowledge", PAGED, SMALL, ALERT_ACKNOWLEDGE, 200),

    /* the images' keeper's */
    SHOW(V1 "/studies", DOC | TOWN | OPER | RDR, STUDY_LIST, "scope visit_id"),
    FILE_AS(V1 "/studies/{study_id}/match", TOWN | OPER, STUDY_MATCH),
    FILE_AS(V1 "/studies/{study_id}/return", TOWN | OPER, STUDY_RETURN),

    /* machines */
    MACHINE(POST, "/whip/{room}", SDP, "application/sdp", machine_whip_post),
    MACHINE(PATCH, "/whip/{room}/{session_id}", SMALL, "application/trickle-ice-sdpfrag", machine_patch),
    MACHINE(DELETE, "/whip/{room}/{session_id}", 0, NULL, machine_delete),
    OPEN(OPTIONS, "/whip/{room}", ROUTE_NO_ORIGIN, machine_options),
    MACHINE(POST, "/whep/{room}", SDP, "application/sdp", machine_whep_post),
    MACHINE(PATCH, "/whep/{room}/{session_id}", SMALL, "application/trickle-ice-sdpfrag", machine_patch),
    MACHINE(DELETE, "/whep/{room}/{session_id}", 0, NULL, machine_delete),
    OPEN(OPTIONS, "/whep/{room}", ROUTE_NO_ORIGIN, machine_options),

    /* operations */
    OPEN(GET, "/healthz", 0, api_health),
    OPEN(GET, "/readyz", 0, api_ready),
    OPEN(GET, "/metrics", 0, api_metrics),
    OPEN(GET, "/api/openapi.json", ROUTE_ETAG, api_openapi),
    OPEN(GET, "/api/socket.schema.json", ROUTE_ETAG, api_socket_schema),
    OPEN(GET, "/api/docs", ROUTE_ETAG, api_docs),
};
/* clang-format on */
const size_t ROUTES_N = sizeof ROUTES / sizeof *ROUTES;
