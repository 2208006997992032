/* recon_hash.h - one number for a reconciliation: inputs, rule and differences. Two runs that agree in it agree in all.
 * Pure; any thread. Fixed form (little endian, lengths before texts), so that another machine finds the same. */
#pragma once
#include "billing/recon.h"

/** result's own hash is not read. */
void recon_hash(uint8_t out[SHA256_LEN], const struct recon_rule *rule, int32_t day,
                const struct recon_ours *ours, size_t n_ours, const struct bill *bill,
                const struct recon_result *result);
