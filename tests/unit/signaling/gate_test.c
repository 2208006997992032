#include "signaling/gate.h"
#include "tests/unit/test.h"

TEST(origin, of_the_own_host_is_fine_with_any_scheme)
{
    CHECK(gate_origin_ok("http://127.0.0.1:8080", "127.0.0.1:8080", "", ""));
    CHECK(gate_origin_ok("https://Clinic.example", "clinic.example", "same-origin", ""));
}

TEST(origin, of_another_host_port_or_null_is_foreign)
{
    CHECK(!gate_origin_ok("http://evil.example", "clinic.example", "", ""));
    CHECK(!gate_origin_ok("http://clinic.example:81", "clinic.example", "", ""));
    CHECK(!gate_origin_ok("http://clinic.example.evil.example", "clinic.example", "", ""));
    CHECK(!gate_origin_ok("http://evil.example/?clinic.example", "clinic.example", "", ""));
    CHECK(!gate_origin_ok("null", "clinic.example", "", ""));
    CHECK(!gate_origin_ok("http://", "", "", ""));
}

TEST(origin, on_the_list_is_fine)
{
    CHECK(gate_origin_ok("http://localhost:5173", "x", "", "http://a http://localhost:5173"));
    CHECK(!gate_origin_ok("http://localhost:51", "x", "", "http://a http://localhost:5173"));
}

TEST(origin, that_is_absent_is_fine_unless_the_browser_names_another_site)
{
    CHECK(gate_origin_ok("", "clinic.example", "", ""));
    CHECK(gate_origin_ok("", "clinic.example", "same-origin", ""));
    CHECK(!gate_origin_ok("", "clinic.example", "cross-site", ""));
    CHECK(!gate_origin_ok("", "clinic.example", "same-site", ""));
}

TEST(loopback, is_this_machine_or_the_socket_itself)
{
    CHECK(gate_is_loopback("127.0.0.1"));
    CHECK(gate_is_loopback("::1"));
    CHECK(gate_is_loopback(""));
    CHECK(!gate_is_loopback("10.0.0.1"));
    CHECK(!gate_is_loopback("128.127.0.1"));
}
