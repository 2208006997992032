/* test.h - a test reads as a sentence, and a test file needs no list and no main().
 *
 *   TEST(order_claim, a_lost_workers_orders_return_after_the_lease) { CHECK_INT(claim(...), 2); }
 *
 * Runs    every TEST of the executable in the order of the file, through cmocka. By hand:
 *         `unit_core_err` runs all, `unit_core_err order_claim` those whose name contains the word, `-l`
 * lists. t       is in scope in every test: its name, and test_cleanup() for what must be released even when
 * a CHECK fails.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "core/err.h"

struct test {
    const char *name; /* "order_claim: a lost workers orders return after the lease" */
    void (*run)(struct test *t);
    struct test *next;
    struct test_undo *undo;
};

void test_register(struct test *t);
/** Call fn(arg) after the test, last one first, also when it fails in the middle. */
void test_cleanup(struct test *t, void (*fn)(void *arg), void *arg);
/** A fresh folder of this test's own, removed with everything in it afterwards. Lent until the test ends. */
const char *test_dir(struct test *t);
/** dir + "/" + name, freed after the test. */
const char *test_path(struct test *t, const char *dir, const char *name);

#define TEST(subject, sentence)                                                                              \
    static void subject##__##sentence(struct test *t);                                                       \
    __attribute__((constructor)) static void subject##__##sentence##__register(void)                         \
    {                                                                                                        \
        static struct test self = {.name = #subject ": " #sentence, .run = subject##__##sentence};           \
        test_register(&self);                                                                                \
    }                                                                                                        \
    static void subject##__##sentence(__attribute__((unused)) struct test *t)

#define CHECK(cond)          _assert_true(cast_to_largest_integral_type(!!(cond)), #cond, __FILE__, __LINE__)
#define CHECK_INT(a, b)      test_check_int((int64_t)(a), (int64_t)(b), #a, #b, __FILE__, __LINE__)
#define CHECK_STR(a, b)      test_check_str((a), (b), #a, #b, __FILE__, __LINE__)
#define CHECK_MEM(a, b, len) assert_memory_equal((a), (b), (len))
/* A call that must succeed (err says why it did not), and one that must fail with this code and reason word.
 */
#define CHECK_OK(call, err) test_check_ok((call), (err), #call, __FILE__, __LINE__)
#define CHECK_ERR(call, err, cod, word)                                                                      \
    test_check_err((call), (err), (cod), (word), #call, __FILE__, __LINE__)

void test_check_int(int64_t a, int64_t b, const char *at, const char *bt, const char *file, int line);
void test_check_str(const char *a, const char *b, const char *at, const char *bt, const char *file, int line);
void test_check_ok(bool ok, const struct err *err, const char *call, const char *file, int line);
/** word NULL: any reason. Clears err. */
void test_check_err(bool ok, struct err *err, enum err_code code, const char *word, const char *call,
                    const char *file, int line);

struct loop;
/** Turn the loop until *flag, or fail the test after timeout_ms: waiting is for an event, with a deadline. */
#define CHECK_SOON(loop, cond)                                                                               \
    do {                                                                                                     \
        int64_t deadline_ = test_deadline_us(10000);                                                         \
        while (!(cond) && test_turn((loop), deadline_))                                                      \
            ;                                                                                                \
        CHECK(cond);                                                                                         \
    } while (0)
int64_t test_deadline_us(int64_t timeout_ms);
bool test_turn(struct loop *l, int64_t deadline_us); /* false when the deadline has passed */
