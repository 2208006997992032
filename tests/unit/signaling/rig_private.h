/* rig_private.h - what rig.c and rig_client.c share. */
#pragma once
#include "tests/unit/signaling/rig.h"

void rig_private_new(struct rig *r, const char *settings);
void rig_private_free(struct rig *r);
const char *rig_settings(const struct rig *r);
/** Freed with the rig. */
const char *rig_keep(struct rig *r, char *text);
/** Close every client. */
void rig_clients_end(struct rig *r);
