/* scheduling/protocol.h - what yz-signald asks of yz-schedulerd and hears from it.
 *
 * Carrier  core/ask.h on <data>/run/schedulerd.sock; roles are the bits of records/roles.h.
 * Body     the members of the HTTP body, and beside them what stood in the path and the query under the names of the OpenAPI
 *          document: order_id, clinic_id, roster_id, day, scope (ids are strings). signald has checked that it is one JSON object
 *          within the limits, and nothing else; every field is schedulerd's to judge.
 * Presence {"visit_id","seat_id","account_id","role","present":bool,"event":"joined"|"left"|"dropped"|"back"} as ROLE_SYSTEM;
 *          "dropped" keeps present true for the 30 s of grace, then "left" follows. After ASK_HELLO, and every 10 s, signald says
 *          again who is present; a seat it has been silent about for longer than that and the grace is empty.
 * Events   topic "order": data {"order_id","visit_id","version","state", "order":{…} when the audience may see it}; signald reads
 *          the visit again whenever visit_id stands in an event, and hands data to the sockets as it is.
 * Idempotency  a command with a key that was seen (same region, actor, op) gives the first answer again; the same key with
 *          another body is ERR_CONFLICT "idempotency_mismatch".
 */
#pragma once

/* Questions change nothing. The HTTP route and the JSON of each stand in the OpenAPI document under the same name. */
#define SCHED_OPS(X)                                                                                         \
    X(CLINIC_LIST, "clinic.list", 0) /* clinics with next real free time, doctors on duty */                 \
    X(SLOT_LIST, "slot.list", 0)     /* free slots of a clinic */                                            \
    X(ROSTER_LIST, "roster.list", 0)                                                                         \
    X(ROSTER_CREATE, "roster.create", 1) /* draft session with its slots */                                  \
    X(ROSTER_PUBLISH, "roster.publish", 1)                                                                   \
    X(ROSTER_CANCEL, "roster.cancel", 1)                                                                     \
    X(DUTY_SET, "duty.set", 1) /* 出诊 on / off */                                                         \
    X(DUTY_GET, "duty.get", 0)                                                                               \
    X(APPOINTMENT_CREATE, "appointment.create", 1) /* book a slot: follow-up from home */                    \
    X(APPOINTMENT_CANCEL, "appointment.cancel", 1)                                                           \
    X(ORDER_CREATE, "order.create", 1) /* assisted first visit: to the pool */                               \
    X(ORDER_CANCEL, "order.cancel", 1)                                                                       \
    X(ORDER_LIST, "order.list", 0) /* mine: patient's, township's, doctor's today */                         \
    X(ORDER_GET, "order.get", 0)                                                                             \
    X(POOL_LIST, "pool.list", 0) /* offers to this doctor, no identity */                                    \
    X(ORDER_CLAIM, "order.claim", 1)                                                                         \
    X(ORDER_CHECK_IN, "order.check_in", 1)   /* patient enters the waiting room */                           \
    X(WAITING_GET, "waiting.get", 0)         /* position and honest estimate */                              \
    X(ORDER_ADMIT, "order.admit", 1)         /* waiting -> live; the visit gate */                           \
    X(ORDER_SEND_BACK, "order.send_back", 1) /* live -> waiting */                                           \
    X(ORDER_END, "order.end", 1)             /* live -> documenting */                                       \
    X(ORDER_NOTE, "order.note", 1)           /* save a version of the note */                                \
    X(ORDER_SIGN, "order.sign", 1)           /* documenting -> signed -> closed */                           \
    X(EXAM_CREATE, "exam.create", 1)         /* from a visit: to the modality worklist */                    \
    X(EXAM_LIST, "exam.list", 0)                                                                             \
    X(EXAM_GET, "exam.get", 0)                                                                               \
    X(EXAM_CANCEL, "exam.cancel", 1)                                                                         \
    X(READING_LIST, "reading.list", 0) /* what waits to be read, no identity */                              \
    X(EXAM_CLAIM, "exam.claim", 1)                                                                           \
    X(EXAM_RELEASE, "exam.release", 1)                                                                       \
    X(EXAM_DRAFT, "exam.draft", 1)       /* autosave */                                                      \
    X(EXAM_SIGN, "exam.sign", 1)         /* draft -> signed -> delivered; step-up is signald's to ask */     \
    X(EXAM_AMEND, "exam.amend", 1)       /* a further signed version */                                      \
    X(EXAM_REJECT, "exam.reject", 1)     /* to be taken again: makes the new exam */                         \
    X(EXAM_CRITICAL, "exam.critical", 1) /* pages the township until acknowledged */                         \
    X(REPORT_LIST, "report.list", 0)     /* all versions */                                                  \
    X(EXAM_PRIORS, "exam.priors", 0)                                                                         \
    X(TEMPLATE_LIST, "template.list", 0)                                                                     \
    X(ALERT_LIST, "alert.list", 0)                                                                           \
    X(ALERT_ACKNOWLEDGE, "alert.acknowledge", 1)                                                             \
    X(PRESENCE, "presence", 1) /* signald only: seat joined / left / back */                                 \
    X(HEALTH, "health", 0)

enum sched_op {
#define X(id, name, writes) SCHED_OP_##id,
    SCHED_OPS(X)
#undef X
        SCHED_OP_COUNT
};
