/* SQLSTATE to our few codes. Messages go to logs, so they name statements and constraints, never values. */
#include "core/db/db_internal.h"
#include <string.h>

enum reason_from { WORD, CONSTRAINT, COLUMN };

/* The first row whose prefix fits wins. */
static const struct {
    const char *state; /* SQLSTATE, or its class */
    enum err_code code;
    enum reason_from from;
    const char *word;
} MAP[] = {
    {"23505", ERR_CONFLICT, CONSTRAINT, "duplicate"},
    {"23P01", ERR_CONFLICT, CONSTRAINT, "duplicate"},
    {"23514", ERR_INVALID, CONSTRAINT, "bad_value"},
    {"23503", ERR_INVALID, CONSTRAINT, "bad_reference"},
    {"23502", ERR_INVALID, COLUMN, "bad_value"},
    {"22", ERR_INVALID, WORD, "bad_value"},
    {"40001", ERR_AGAIN, WORD, "database_conflict"},
    {"40P01", ERR_AGAIN, WORD, "database_conflict"},
    {"55P03", ERR_AGAIN, WORD, "database_conflict"},
    {"57014", ERR_AGAIN, WORD, "database_slow"}, /* statement timeout: rolled back */
    {"57P", ERR_AGAIN, WORD, "database_away"},   /* shutting down, starting up, terminated */
    {"25P03", ERR_AGAIN, WORD, "database_away"}, /* idle in transaction too long */
    {"08", ERR_AGAIN, WORD, "database_away"},
    {"53", ERR_AGAIN, WORD, "database_full"},       /* connections, memory, disk */
    {"0A000", ERR_AGAIN, WORD, "database_changed"}, /* cached plan of an altered table */
    {"26000", ERR_AGAIN, WORD, "database_changed"}, /* prepared elsewhere: PgBouncer */
    {"42501", ERR_DENIED, WORD, "database_denied"},
};

static const char *field(const PGresult *res, int code)
{
    const char *s = PQresultErrorField(res, code);

    return s ? s : "";
}

bool db_error(struct err *err, const char *what, const PGresult *res)
{
    const char *state = field(res, PG_DIAG_SQLSTATE), *reason;

    for (size_t i = 0; i < sizeof MAP / sizeof *MAP; i++) {
        if (strncmp(state, MAP[i].state, strlen(MAP[i].state)) != 0)
            continue;
        reason = MAP[i].from == CONSTRAINT ? field(res, PG_DIAG_CONSTRAINT_NAME)
                 : MAP[i].from == COLUMN   ? field(res, PG_DIAG_COLUMN_NAME)
                                           : MAP[i].word;
        if (!reason[0])
            reason = MAP[i].word;
        /* Class 22 repeats the value in its message, and the value may be a patient's. */
        return err_set(err, MAP[i].code, reason, "%s: %s (%s)", what,
                       strncmp(state, "22", 2) == 0 ? "a value does not fit its type"
                                                    : field(res, PG_DIAG_MESSAGE_PRIMARY),
                       state);
    }
    return err_set(err, ERR_INTERNAL, "database_error", "%s: %s (%s)", what,
                   state[0] ? field(res, PG_DIAG_MESSAGE_PRIMARY) : PQresultErrorMessage(res), state);
}

bool db_is_state(const PGresult *res, const char *state)
{
    return strcmp(field(res, PG_DIAG_SQLSTATE), state) == 0;
}

bool db_is_fatal(const PGresult *res)
{
    const char *severity = field(res, PG_DIAG_SEVERITY_NONLOCALIZED);

    return strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0;
}
