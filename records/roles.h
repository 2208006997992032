/* roles.h - the roles of an account as bits, for messages between daemons and for whoever decides by them.
 * records.accounts keeps them as words; the words are this list in lower case. Constants: any thread. */
#pragma once

enum role_bits {
    ROLE_PATIENT = 1 << 0,
    ROLE_DOCTOR = 1 << 1,
    ROLE_TOWNSHIP_DOCTOR = 1 << 2,
    ROLE_OPERATOR = 1 << 3,
    ROLE_READER = 1 << 4,
    ROLE_OFFICE = 1 << 5,
    ROLE_COORDINATOR = 1 << 6,
    ROLE_FINANCE = 1 << 7,
    ROLE_SUPERVISOR = 1 << 8,
    ROLE_AUDITOR = 1 << 9,
    ROLE_ADMIN = 1 << 10,
    ROLE_SYSTEM = 1 << 30, /* one of our daemons for itself, no person */
};
