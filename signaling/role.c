#include "signaling/role.h"
#include "scheduling/protocol.h"
#include <string.h>

static const struct {
    const char *name;
    uint32_t bit;
} ROLES[] = {
    {"patient", SCHED_ROLE_PATIENT},
    {"doctor", SCHED_ROLE_DOCTOR},
    {"township_doctor", SCHED_ROLE_TOWNSHIP_DOCTOR},
    {"operator", SCHED_ROLE_OPERATOR},
    {"reader", SCHED_ROLE_READER},
    {"office", SCHED_ROLE_OFFICE},
    {"coordinator", SCHED_ROLE_COORDINATOR},
    {"finance", SCHED_ROLE_FINANCE},
    {"supervisor", SCHED_ROLE_SUPERVISOR},
    {"auditor", SCHED_ROLE_AUDITOR},
    {"admin", SCHED_ROLE_ADMIN},
};
#define N (sizeof ROLES / sizeof *ROLES)

static uint32_t bit_of(const char *name, size_t len)
{
    for (size_t i = 0; i < N; i++)
        if (strlen(ROLES[i].name) == len && !memcmp(ROLES[i].name, name, len))
            return ROLES[i].bit;
    return 0;
}

uint32_t role_bit(const char *name)
{
    return name ? bit_of(name, strlen(name)) : 0;
}

const char *role_name(unsigned index)
{
    return index < N ? ROLES[index].name : NULL;
}

json_t *role_names(uint32_t roles)
{
    json_t *names = json_array();

    for (size_t i = 0; i < N; i++)
        if (roles & ROLES[i].bit)
            json_array_append_new(names, json_string(ROLES[i].name));
    return names;
}

uint32_t role_bits(const json_t *names)
{
    uint32_t bits = 0;
    size_t i;
    json_t *name;

    json_array_foreach(names, i, name) bits |= role_bit(json_string_value(name));
    return bits;
}

uint32_t role_bits_of_array(const char *text)
{
    uint32_t bits = 0;

    for (const char *p = text; *p;) {
        size_t len = strcspn(p, "{},");
        bits |= bit_of(p, len);
        p += len;
        p += *p != '\0';
    }
    return bits;
}
