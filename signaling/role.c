#include "signaling/role.h"
#include "records/roles.h"
#include <string.h>

static const struct {
    const char *name;
    uint32_t bit;
} ROLES[] = {
    {"patient", ROLE_PATIENT},         {"doctor", ROLE_DOCTOR},   {"township_doctor", ROLE_TOWNSHIP_DOCTOR},
    {"operator", ROLE_OPERATOR},       {"reader", ROLE_READER},   {"office", ROLE_OFFICE},
    {"coordinator", ROLE_COORDINATOR}, {"finance", ROLE_FINANCE}, {"supervisor", ROLE_SUPERVISOR},
    {"auditor", ROLE_AUDITOR},         {"admin", ROLE_ADMIN},
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
