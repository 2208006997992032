# What every target of the house has in common, and one function per kind of target.
#
#   yz_library(NAME a.c b.c [LIBS ...] [PRIVATE_LIBS ...])     static library; LIBS are part of its headers
#   yz_daemon(NAME a.c ... LIBS ...)                           program, lands in <build>/bin
#   yz_unit_test(ROOM NAME a.c ... LIBS ... [PG] [LABELS ...]) cmocka, CTest name unit.ROOM.NAME; PG: needs PostgreSQL
#   yz_fuzz_target(NAME a.c ... LIBS ...)                      libFuzzer, or a replay of its seeds in other builds
include_guard(GLOBAL)
include(CheckPIESupported)
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

check_pie_supported(LANGUAGES C CXX)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(yz_flags INTERFACE)
target_compile_features(yz_flags INTERFACE c_std_17)
target_compile_definitions(yz_flags INTERFACE _GNU_SOURCE)
target_compile_options(yz_flags INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-std=gnu17> $<$<COMPILE_LANGUAGE:CXX>:-std=c++17>
    -Wall -Wextra -Wconversion -Wshadow -Wvla $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
    $<$<BOOL:${YZ_WERROR}>:-Werror>)
# The source root, so that an include names its room; the build root, for what embed_sql() writes.
target_include_directories(yz_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})

if(YZ_SANITIZE)
    target_compile_options(yz_flags INTERFACE
        -fsanitize=${YZ_SANITIZE} -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
    target_link_options(yz_flags INTERFACE -fsanitize=${YZ_SANITIZE})
endif()
if(YZ_SANITIZE STREQUAL "thread" AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # The instrumentation hides assignments from gcc's flow analysis; the dev build keeps the warning.
    target_compile_options(yz_flags INTERFACE -Wno-maybe-uninitialized)
endif()
if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    # gcc and clang disagree about which of these are harmless; gcc's opinion counts.
    target_compile_options(yz_flags INTERFACE -Wno-sign-conversion -Wno-implicit-int-conversion)
endif()
if(YZ_FUZZ)
    target_compile_options(yz_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(YZ_HARDEN)
    target_compile_options(yz_flags INTERFACE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
    target_link_options(yz_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

# One list of all our targets, for the test that checks the arrows. A fuzz build makes only what its targets link.
function(_yz_remember name)
    set_property(GLOBAL APPEND PROPERTY YZ_TARGETS ${name})
    if(YZ_FUZZ)
        set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL TRUE)
    endif()
endfunction()

function(yz_library name)
    cmake_parse_arguments(A "" "" "SOURCES;LIBS;PRIVATE_LIBS" ${ARGN})
    add_library(${name} STATIC ${A_SOURCES} ${A_UNPARSED_ARGUMENTS})
    set_target_properties(${name} PROPERTIES OUTPUT_NAME yz-${name})
    target_link_libraries(${name} PUBLIC ${A_LIBS} PRIVATE yz_flags ${A_PRIVATE_LIBS})
    _yz_remember(${name})
endfunction()

function(yz_daemon name)
    cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
    add_executable(${name} ${A_SOURCES} ${A_UNPARSED_ARGUMENTS})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
    target_link_libraries(${name} PRIVATE yz_flags ${A_LIBS})
    _yz_remember(${name})
endfunction()

function(yz_unit_test room name)
    if(NOT YZ_TESTS OR YZ_FUZZ)
        return()
    endif()
    cmake_parse_arguments(A "PG" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
    set(target unit_${room}_${name})
    string(REPLACE "/" "_" target ${target})
    string(REPLACE "/" "." test unit.${room}.${name})
    add_executable(${target} ${A_SOURCES} ${A_UNPARSED_ARGUMENTS})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
    target_link_libraries(${target} PRIVATE yz_flags ${A_LIBS} test_support)
    if(A_PG)
        target_link_libraries(${target} PRIVATE pg_fixture)
        add_dependencies(${target} pg_holder) # ctest starts it before this test, also when only this one was built
    endif()
    add_test(NAME ${test} COMMAND ${target})
    if(NOT A_TIMEOUT)
        set(A_TIMEOUT 120)
    endif()
    set_tests_properties(${test} PROPERTIES LABELS "unit;${room};${A_LABELS}" TIMEOUT ${A_TIMEOUT})
    if(A_PG)
        set_tests_properties(${test} PROPERTIES FIXTURES_REQUIRED pg)
    endif()
endfunction()

# Seeds live in tests/fuzz/corpus/NAME/. Without libFuzzer the same function is run over the seeds, so
# that a case once found stays found in every sanitizer build.
function(yz_fuzz_target name)
    cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
    set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set(target fuzz_${name})
    if(YZ_FUZZ)
        set(main)
    elseif(YZ_TESTS)
        set(main ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
    else()
        return()
    endif()
    add_executable(${target} ${A_SOURCES} ${A_UNPARSED_ARGUMENTS} ${main})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/bin)
    target_link_libraries(${target} PRIVATE yz_flags ${A_LIBS})
    if(YZ_FUZZ)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        set(work ${PROJECT_BINARY_DIR}/tests/corpus/${name})
        file(MAKE_DIRECTORY ${work})
        add_test(NAME fuzz.${name} COMMAND ${target} -max_total_time=${YZ_FUZZ_SECONDS} -timeout=10
            -rss_limit_mb=2048 -print_final_stats=0 -verbosity=0
            -artifact_prefix=${PROJECT_BINARY_DIR}/tests/ ${work} ${corpus})
        set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 3600)
    else()
        add_test(NAME replay.${name} COMMAND ${target} ${corpus})
        set_tests_properties(replay.${name} PROPERTIES LABELS "unit;replay" TIMEOUT 60)
    endif()
endfunction()

# `cmake --build build/dev --target tidy`: clang-tidy over every source of ours, settings in .clang-tidy.
function(yz_tidy_target)
    find_program(CLANG_TIDY NAMES clang-tidy-14 clang-tidy)
    if(NOT CLANG_TIDY)
        return()
    endif()
    get_property(targets GLOBAL PROPERTY YZ_TARGETS)
    set(files)
    foreach(target IN LISTS targets)
        get_target_property(folder ${target} SOURCE_DIR)
        get_target_property(sources ${target} SOURCES)
        foreach(source IN LISTS sources)
            if(NOT IS_ABSOLUTE ${source} AND source MATCHES "\\.c$")
                list(APPEND files ${folder}/${source})
            endif()
        endforeach()
    endforeach()
    list(REMOVE_DUPLICATES files)
    add_custom_target(tidy COMMAND ${CLANG_TIDY} -p ${PROJECT_BINARY_DIR} --quiet ${files} VERBATIM)
endfunction()

# <build>/targets.txt: "target<TAB>folder<TAB>libraries as linked", read by tests/house.
function(yz_write_link_list)
    get_property(targets GLOBAL PROPERTY YZ_TARGETS)
    set(text "")
    foreach(target IN LISTS targets)
        get_target_property(folder ${target} SOURCE_DIR)
        file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${folder})
        get_target_property(kind ${target} TYPE)
        string(APPEND text "${target}\t${kind}\t${folder}\t$<JOIN:$<TARGET_PROPERTY:${target},LINK_LIBRARIES>, >\n")
    endforeach()
    file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/targets.txt CONTENT "${text}")
endfunction()
