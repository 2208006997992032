# shellcheck shell=bash
# build.sh - compiles what changed. The checkout's owner builds, so that root leaves no file of its own behind.
#
# build_product   C programs (preset release) and the web front end, both skipped when nothing changed

as_builder() { as_user "$(owner_of "$top")" "$@"; }

# run_logged NAME command…: quiet unless it fails; then the end of the log and the end of us.
run_logged() {
    local name=$1 log=$top/build/log/$1.log
    shift
    as_builder mkdir -p "$top/build/log"
    if ! (cd "$top" && as_builder "$@") </dev/null >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        die "$name failed; all it said is in $log"
    fi
}

build_programs() {
    local dir=$top/build/release
    if [ ! -e "$dir/build.ninja" ]; then
        step "configuring the C programs (preset release: -O2, LTO, hardened)"
        run_logged configure cmake --preset release
    fi
    # asking ninja what it would do costs a tenth of a second and says nothing when all is up to date
    if (cd "$top" && as_builder ninja -C "$dir" -n 2>/dev/null) | grep -q 'no work to do'; then
        note "C programs are up to date"
        return
    fi
    step "compiling the C programs"
    run_logged compile cmake --build "$dir"
}

# One hash over the contents of everything the front end is made from.
web_inputs() {
    (cd "$top" && find package.json package-lock.json web signaling/openapi.json signaling/socket.schema.json \
        \( -name node_modules -o -name dist -o -name generated \) -prune -o -type f -print0 2>/dev/null |
        sort -z | xargs -0 sha256sum | sha256sum | cut -c1-64)
}

npm_inputs() { (cd "$top" && cat package-lock.json package.json ./*/package.json | sha256sum | cut -c1-64); }

check_node() {
    local version
    version=$(node --version 2>/dev/null) || die "node is not on PATH"
    node -e 'const [a,b]=process.versions.node.split(".").map(Number); process.exit(a>18||(a===18&&b>=19)?0:1)' ||
        die "Node.js $version is too old; 18.19 or newer is needed"
}

# fetch_npm: node_modules exactly as locked. Also used by ops/test.
fetch_npm() {
    local stamp=$top/node_modules/.yunzhen-stamp want
    want=$(npm_inputs)
    [ "$(cat "$stamp" 2>/dev/null)" != "$want" ] || return 0
    check_node
    step "fetching the front end's libraries with npm (versions and hashes are locked in package-lock.json)"
    run_logged npm npm ci --no-audit --no-fund
    as_builder sh -c 'printf "%s\n" "$1" >"$2"' _ "$want" "$stamp"
}

build_web() {
    local stamp=$top/web/dist/.yunzhen-stamp want
    [ -e "$top/web/index.html" ] || { note "no web front end in this checkout: skipped"; return; }
    want=$(web_inputs)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
        note "web front end is up to date"
        return
    fi
    fetch_npm
    step "building the web front end"
    run_logged web npm run build
    want=$(web_inputs)
    as_builder sh -c 'printf "%s\n" "$1" >"$2"' _ "$want" "$stamp"
}

build_product() {
    as_builder test -w "$top" || die "the checkout $top cannot be written by $(owner_of "$top"), who builds it"
    build_programs
    build_web
}

# A checkout that the run user cannot read (under a private home, say) is copied to where it can be.
copy_program() {
    [ "$program" != "$top" ] || return 0
    local list
    step "copying what runs to $program: $run_user cannot read $top"
    list=$(cd "$top" && find "$build/bin" web/dist ops -type f -print 2>/dev/null
        cd "$top" && find . -path ./build -prune -o -path ./node_modules -prune -o \
            \( -path '*/migrations/*' -o -name demo.sql \) -type f -print)
    # unpacked as the run user: root writes nothing into a folder that somebody else owns
    as_run rm -rf "$program.new"
    as_run mkdir -p "$program.new"
    (cd "$top" && tar -c -f - -T - <<<"$list") | as_run tar -x -f - -C "$program.new" --no-same-owner
    as_run rm -rf "$program"
    as_run mv "$program.new" "$program"
}
