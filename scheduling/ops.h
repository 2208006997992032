/* ops.h - every operation of protocol.h and who handles it. Runs on the deciding thread, inside a batch. */
#pragma once
#include "scheduling/batch.h"

/** One request. false: the database failed. */
typedef bool op_fn(struct batch *b, struct sched_request *r);
/** All requests of that operation in the batch, in order of arrival: decided set-wise. */
typedef bool op_set_fn(struct batch *b, struct sched_request **r, size_t n);

struct op {
    op_fn *one;
    op_set_fn *set;
};
extern const struct op OPS[SCHED_OP_COUNT];

/* order_ops.c */
op_fn op_order_get, op_order_list, op_order_create, op_order_cancel, op_order_check_in, op_order_admit,
    op_order_send_back, op_order_end;
/* note_ops.c */
op_fn op_order_note, op_order_sign;
/* claim_ops.c */
op_set_fn op_order_claim;
/* pool.c */
op_fn op_pool_list;
/* booking_ops.c */
op_set_fn op_appointment_create;
/* roster_ops.c */
op_fn op_roster_list, op_roster_create, op_roster_publish, op_roster_cancel;
/* clinic_ops.c */
op_fn op_clinic_list, op_slot_list;
/* duty_ops.c */
op_fn op_duty_get, op_duty_set, op_presence;
/* waiting_ops.c */
op_fn op_waiting_get;
/* exam_ops.c */
op_fn op_exam_create, op_exam_list, op_exam_get, op_exam_cancel, op_reading_list;
/* read_claim_ops.c */
op_set_fn op_exam_claim;
/* read_ops.c */
op_fn op_exam_release, op_exam_draft, op_exam_reject, op_exam_priors, op_template_list;
/* report_ops.c */
op_fn op_exam_sign, op_exam_amend, op_report_list;
/* alert_ops.c */
op_fn op_exam_critical, op_alert_list, op_alert_acknowledge;
/* turn.c */
op_fn op_health;
