/* dicom/protocol.h - what yz-signald asks of yz-dicomd and hears from it.
 *
 * Carrier  core/ask.h on <data>/run/dicomd-ask.sock; roles are the bits of records/roles.h. Image bytes never pass here: they are
 *          yz-dicomd's own, at /dicomweb.
 * Body     the members of the HTTP body, and beside them what stood in the path and the query under the names of the OpenAPI
 *          document: study_id, scope, visit_id (ids are strings). Every field is dicomd's to judge.
 * Events   topic "study": {"study_id","exam_id","visit_id","state","matched","n_instances"}.
 */
#pragma once

/* Questions change nothing. The HTTP route and the JSON of each stand in the OpenAPI document under the same name. */
#define DICOM_OPS(X)                                                                                         \
    X(STUDY_LIST, "study.list", 0)     /* a township's, or what waits in the match list */                   \
    X(STUDY_MATCH, "study.match", 1)   /* this study belongs to that exam */                                 \
    X(STUDY_RETURN, "study.return", 1) /* it belongs to nobody here: back to who sent it */                  \
    X(HEALTH, "health", 0)

enum dicom_op {
#define X(id, name, writes) DICOM_OP_##id,
    DICOM_OPS(X)
#undef X
        DICOM_OP_COUNT
};
