/* api.h - the handlers of the route table that are a page of code or less each; one file per subject.
 * Run on the service loop only; each answers its request once, now or later. */
#pragma once
#include "signaling/request.h"

/* api_session.c */
void api_login(struct request *req);
void api_session(struct request *req);
void api_logout(struct request *req);
void api_locale(struct request *req);

/* api_step_up.c */
void api_step_up(struct request *req);
void api_whoami(struct request *req);

/* api_visit.c */
void api_visit(struct request *req);
void api_consent_texts(struct request *req);
void api_consent_give(struct request *req);
void api_consents(struct request *req);

/* api_record.c */
void api_audit(struct request *req);
void api_access_log(struct request *req);
void api_people(struct request *req);

/* api_ops.c */
void api_config(struct request *req);
void api_health(struct request *req);
void api_ready(struct request *req);
void api_metrics(struct request *req);

/* api_docs.c */
void api_openapi(struct request *req);
void api_socket_schema(struct request *req);
void api_docs(struct request *req);
void api_docs_free(void);
