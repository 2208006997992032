/* recon_plant.h - a random day of trades on both sides with differences planted into it, each with the class it must get.
 * The same seed, the same day. */
#pragma once
#include "billing/recon.h"

struct plant_wanted {
    enum recon_class class;
    const char *key; /* of the trade: its order or refund number */
    bool cleared;
};

struct plant {
    int32_t day;
    struct recon_ours *ours;
    size_t n_ours;
    struct bill bill; /* rows only, text NULL; strings belong to the plant */
    struct plant_wanted *wanted;
    size_t n_wanted;
    size_t n_matched; /* pairs that agree */
    int64_t net_ours_fen, net_bill_fen;
    void **owned;
    size_t n_owned;
};

/** @param trades  of the day @param per_mille of them spoiled, in every way there is, each trade in at most one */
void plant_day(struct plant *p, uint64_t seed, int32_t day, size_t trades, unsigned per_mille);
void plant_free(struct plant *p);
