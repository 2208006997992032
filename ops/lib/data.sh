# shellcheck shell=bash
# data.sh - the data folder: made once, private to the user who runs the product.
#
#   pg/ run/ log/ keys/ recordings/ nginx/ config   (team of names in docs/operators.md)

make_system_user() {
    is_root || return 0
    user_exists "$run_user" && return 0
    step "adding the system user $run_user: PostgreSQL refuses to run as root, and nothing here needs root"
    groupadd --system "$run_user" 2>/dev/null || true
    useradd --system --gid "$run_user" --home-dir "$system_data" --no-create-home --shell /usr/sbin/nologin \
        --comment 'Yunzhen telemedicine' "$run_user"
}

check_data_folder() {
    local owner
    if [ -d "$data" ]; then
        owner=$(owner_of "$data")
        [ "$owner" = "$run_user" ] || is_root ||
            die "the data folder $data belongs to $owner; run this as root (sudo $0), or name another folder with YUNZHEN_DATA"
    fi
    mkdir -p "$data" || die "cannot make the data folder $data; YUNZHEN_DATA names another"
    if is_root && [ "$(owner_of "$data")" != "$run_user" ]; then
        [ -z "$(ls -A "$data")" ] || warn "$data belonged to $(owner_of "$data"); it now belongs to $run_user"
        chown "$run_user:$(id -gn "$run_user")" "$data"
    fi
    as_run chmod 700 "$data" # recordings and keys are nobody else's business
    as_run test -w "$data" -a -x "$data" ||
        die "$run_user cannot reach $data (a folder above it is closed); name another one with YUNZHEN_DATA"
}

make_folders() {
    local d
    for d in log recordings nginx nginx/tmp; do
        as_run mkdir -p "$data/$d"
    done
    as_run mkdir -p -m 700 "$data/keys"
    as_run mkdir -p -m 700 "$data/run" "$data/run/pg"
    make_short_name
}

make_short_name() {
    local folder
    reach=$(short_name)
    [ "$reach" != "$data" ] || return 0
    folder=$(dirname "$reach")
    as_run mkdir -p -m 700 "$folder"
    [ "$(owner_of "$folder")" = "$run_user" ] || die "$folder is $(owner_of "$folder")'s, not $run_user's; a shorter data folder does without it"
    as_run ln -sfn "$data" "$reach"
    note "daemons reach the data folder as $reach: its own path is too long for their sockets"
}

postgres_bin() {
    local version=${1:-15} dir
    for dir in "/usr/lib/postgresql/$version/bin" $(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -rV); do
        [ -x "$dir/postgres" ] && { printf '%s\n' "$dir"; return; }
    done
    dir=$(command -v postgres) || die "no PostgreSQL server program found"
    dirname "$(readlink -f "$dir")"
}

# Which server fits: the one that made the cluster, once there is one.
cluster_bin() {
    local version bin
    version=$(as_run cat "$data/pg/PG_VERSION" 2>/dev/null || true)
    bin=$(postgres_bin "${version:-15}")
    if [ -n "$version" ] && ! "$bin/postgres" --version | grep -qE "\) $version([.]|$| )"; then
        die "the database in $data/pg was made by PostgreSQL $version, which is not installed any more"
    fi
    printf '%s\n' "$bin"
}

make_cluster() {
    local bin said
    as_run test -e "$data/pg/PG_VERSION" && return
    bin=$(postgres_bin)
    step "making a private PostgreSQL cluster in $data/pg (unix socket only, no password, folder closed to others)"
    as_run rm -rf "$data/pg.new"
    said=$(as_run "$bin/initdb" -D "$data/pg.new" -U yz_admin --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
        --data-checksums 2>&1) || die "initdb failed: $said"
    as_run mv "$data/pg.new" "$data/pg"
}
