# shellcheck shell=bash
# stages.sh - the stages of ops/test. Each counts through `count`, says aloud what it skips, and never ends the run.

begin_results() {
    results=$top/build/test
    as_builder mkdir -p "$results"
    passed=0 failed=0 skipped=0 table=''
}

# count PASSED FAILED SKIPPED
count() {
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

skip() {
    say "    skipped: $*"
    count 0 0 1
}

run_stage() {
    local name=$1 what=$2 began=$SECONDS before="$passed $failed $skipped" p f s
    step "$name: $what"
    # a stage that breaks off counts as one failure
    "stage_$name" || count 0 1 0
    read -r p f s <<<"$before"
    table+=$(printf '%-8s %5d s  %5d passed %4d failed %4d skipped' "$name" $((SECONDS - began)) $((passed - p)) \
        $((failed - f)) $((skipped - s)))$'\n'
    note "$name took $((SECONDS - began)) s"
}

print_results() {
    say ""
    printf '%s' "$table"
    say "all of it took $SECONDS s"
    say "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
}

# quiet NAME command…: output to a log, its end shown when the command fails.
quiet() {
    local log=$results/$1.log
    shift
    if (cd "$top" && as_builder "$@") </dev/null >"$log" 2>&1; then
        return 0
    fi
    grep -v '^npm warn' "$log" | tail -n 60
    say "    failed: $1 ${2-} … (all it said: $log)"
    return 1
}

jobs() { nproc; }

tracked() { (cd "$top" && as_builder git ls-files -- "$@"); }

# ---- scripts and formatting -------------------------------------------------------------------------------

stage_shell() {
    local scripts
    mapfile -t scripts < <(cd "$top" && tracked | xargs grep -lE -m1 '^#!/(usr/bin/env bash|bin/(ba)?sh)' 2>/dev/null)
    if quiet shell shellcheck -x "${scripts[@]}"; then count "${#scripts[@]}" 0 0; else count 0 1 0; fi
}

stage_format() {
    local sources
    mapfile -t sources < <(tracked '*.c' '*.h' '*.cpp')
    if (cd "$top" && clang-format-14 --dry-run -Werror "${sources[@]}") >"$results/format.log" 2>&1; then
        count 1 0 0
    else
        say "    not as .clang-format says (clang-format-14 -i FILE):"
        sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: error.*/        \1/p' "$results/format.log" | sort -u
        count 0 1 0
    fi
}

# ---- C ---------------------------------------------------------------------------------------------------

configure_and_build() {
    local preset=$1 launcher=()
    shift
    ! command -v ccache >/dev/null || launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
    quiet "$preset-configure" cmake --preset "$preset" "${launcher[@]}" -DYZ_FUZZ_SECONDS="$fuzz_seconds" &&
        quiet "$preset-build" cmake --build "build/$preset" -j "$(jobs)" "$@"
}

# run_ctest PRESET [ctest arguments…]: counts from its JUnit file, so that a crash of ctest is not a success.
run_ctest() {
    local preset=$1 xml=$results/$1.xml ok=0 counts
    shift
    as_builder rm -f "$xml"
    quiet "$preset-ctest" ctest --preset "$preset" --output-junit "$xml" "$@" || ok=1
    counts=$(junit_counts "$xml") || { count 0 1 0; return; }
    # shellcheck disable=SC2086 # three numbers
    count $counts
    sed -n 's/.*<testcase name="\([^"]*\)".*status="notrun".*/    skipped: \1/p' "$xml"
    [ "$ok" = 0 ] || [ "$(cut -d' ' -f2 <<<"$counts")" != 0 ] || count 0 1 0
}

junit_counts() {
    [ -s "$1" ] || return 1
    awk '/<testsuite / && !seen { seen = 1 } seen { head = head " " $0 } seen && />/ { exit }
        function attr(n) { return match(head, n "=\"[0-9]+") ? substr(head, RSTART + length(n) + 2, RLENGTH - length(n) - 2) : 0 }
        END { t = attr("tests"); f = attr("failures"); s = attr("skipped") + attr("disabled"); print t - f - s, f, s }' "$1"
}

stage_dev() {
    configure_and_build dev || return 1
    run_ctest dev -j "$(jobs)"
}

# Only the targets whose tests are marked `threads` are compiled again.
stage_tsan() {
    local targets
    configure_and_build tsan --target help || return 1
    mapfile -t targets < <(cd "$top" && as_builder ctest --preset tsan -N 2>/dev/null |
        sed -n 's/^ *Test *#[0-9]*: \(unit\..*\)$/\1/p' | tr . _)
    [ ${#targets[@]} -gt 0 ] || { skip "no test is marked as using threads"; return; }
    configure_and_build tsan --target "${targets[@]}" || return 1
    run_ctest tsan
}

stage_fuzz() {
    configure_and_build fuzz || return 1
    run_ctest fuzz -j "$(jobs)"
}

# ---- web -------------------------------------------------------------------------------------------------

# vitest writes its counts as JSON.
stage_web() {
    local json=$results/web.json
    (fetch_npm) || return 1
    if quiet web-types npm run typecheck; then count 1 0 0; else count 0 1 0; fi
    as_builder rm -f "$json"
    quiet web-unit npm run test --workspace web -- --reporter=json --outputFile="$json" || true
    node_counts 'j.numPassedTests, j.numFailedTests + (j.success ? 0 : j.numFailedTests ? 0 : 1), j.numPendingTests + (j.numTodoTests ?? 0)' "$json"
    if quiet web-build npm run build; then count 1 0 0; else count 0 1 0; fi
}

# node_counts EXPRESSION FILE: three numbers out of a JSON file `j`.
node_counts() {
    local counts
    counts=$(node -e 'const j = JSON.parse(require("fs").readFileSync(process.argv[1])); console.log(['"$1"'].join(" "))' "$2" 2>/dev/null) ||
        { say "    no result in $2"; count 0 1 0; return; }
    # shellcheck disable=SC2086
    count $counts
}

stage_release() {
    if (build_programs && build_web); then count 1 0 0; else count 0 1 0; fi # apart: both may end the shell
}

# ---- the product -----------------------------------------------------------------------------------------

# Four ports in a row that nobody has, TCP or UDP, below the range from which the kernel gives ports to anybody who asks.
free_ports() {
    local port n
    for _ in {1..200}; do
        port=$((10000 + RANDOM % 20000))
        for n in 0 1 2 3; do
            if port_taken tcp $((port + n)) '' || port_taken udp $((port + n)) ''; then
                continue 2
            fi
        done
        printf '%s\n' "$port"
        return
    done
    die "no free ports between 10000 and 30000"
}

# A data folder and ports of its own, so that a product running beside is left alone.
stage_ops() {
    local folder status=0
    folder=$(mktemp -d /tmp/yz-test-XXXXXX)
    mkdir -p "$folder/a-data-folder-with-a-long-name/and-another-one-inside/of-one-hundred-letters"
    chmod -R 755 "$folder"
    (
        # so deep that a unix socket's path would not fit into it
        export YUNZHEN_DATA=$folder/a-data-folder-with-a-long-name/and-another-one-inside/of-one-hundred-letters/data YUNZHEN_HTTP_PORT YUNZHEN_MEDIA_PORT YUNZHEN_DICOM_PORT
        YUNZHEN_HTTP_PORT=$(free_ports)
        YUNZHEN_MEDIA_PORT=$(free_ports)
        YUNZHEN_DICOM_PORT=$(free_ports)
        bash "$top/ops/lib/ops_test.sh"
    ) >"$results/ops.log" 2>&1 || status=1
    sed -n '/^# skip/p' "$results/ops.log"
    # shellcheck disable=SC2046
    count $(awk '/^ok /{ p++ } /^not ok /{ f++ } /^# skip/{ s++ } END { print p + 0, f + 0, s + 0 }' "$results/ops.log")
    if [ "$status" = 0 ]; then
        rm -rf "$folder"
    else
        grep -B 12 '^not ok' "$results/ops.log" | tail -n 80
        grep -q '^not ok' "$results/ops.log" || count 0 1 0
    fi
}

# run_node_tests NAME MINUTES command…: node --test prints `# pass N` and so on at its end. What a run that was cut off left
# behind is stopped: every product it started has its data in a folder of this stage's own.
run_node_tests() {
    local name=$1 minutes=$2 log=$results/$1.log folder data_folder
    shift 2
    folder=$(as_builder mktemp -d /tmp/yz-stage-XXXXXX)
    chmod 755 "$folder"
    quiet "$name" env TMPDIR="$folder" timeout --kill-after=20 "${minutes}m" "$@" || true
    for data_folder in "$folder"/yz-e2e-*; do
        [ -e "$data_folder/supervise.lock" ] || continue
        YUNZHEN_DATA=$data_folder "$top/ops/down" >/dev/null 2>&1 || say "    could not stop the product in $data_folder"
    done
    # shellcheck disable=SC2046
    count $(awk '/^# pass /{ p = $3 } /^# (fail|cancelled) /{ f += $3 } /^# (skipped|todo) /{ s += $3 } END {
        if (p == "") f = 1; print p + 0, f + 0, s + 0 }' "$log")
    grep -q '^# pass ' "$log" || say "    it was cut off after $minutes minutes"
    sed -n 's/^.*ok [0-9]* - \(.*\) # SKIP *\(.*\)$/    skipped: \1 \2/p' "$log"
    rm -rf "$folder"
}

stage_scenario() {
    local files
    mapfile -t files < <(tracked 'tests/scenario/*.test.mjs')
    [ ${#files[@]} -gt 0 ] || { skip "no scenarios in this checkout"; return; }
    (fetch_npm) || return 1
    run_node_tests scenario 8 node --test --test-reporter=tap "${files[@]}"
}

stage_story() {
    local script
    script=$(cd "$top" && node -p 'require("./tests/e2e/package.json").scripts?.e2e ?? ""' 2>/dev/null || true)
    [ -n "$script" ] || { skip "the browser story is not in this checkout"; return; }
    (fetch_npm) || return 1
    run_node_tests story 12 npm run --silent e2e --workspace tests/e2e
}

stage_long() {
    [ -n "$long" ] || { say "    (not run: ops/test --long)"; return; }
    local script
    script=$(cd "$top" && node -p 'require("./tests/e2e/package.json").scripts?.["e2e:long"] ?? ""' 2>/dev/null || true)
    [ -n "$script" ] || { skip "no long browser tests in this checkout"; return; }
    run_node_tests long 40 npm run --silent e2e:long --workspace tests/e2e
}
