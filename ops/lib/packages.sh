# shellcheck shell=bash
# packages.sh - what is missing from Debian, and how it gets here without a trace on the system's services.
#
# install_packages WHEN…   WHEN is run, build, test or bench, as in packages.list

# Lines of packages.list for these needs: "package<TAB>alternatives<TAB>reason".
packages_for() {
    awk -F'|' -v when=" $* " '!/^#/ && NF == 4 {
        for (i = 1; i <= 4; i++) gsub(/^[ \t]+|[ \t]+$/, "", $i)
        if (index(when, " " $2 " ")) print $1 "\t" $3 "\t" $4 }' "$top/ops/packages.list"
}

there_otherwise() {
    local what
    [ "$1" != - ] || return 1
    for what in $1; do
        case $what in
        /*) [ -e "$what" ] && return 0 ;;
        *) command -v "$what" >/dev/null && return 0 ;;
        esac
    done
    return 1
}

# The same three columns, only of what is absent. One dpkg-query for all of them.
missing_packages() {
    local rows names installed package others why
    rows=$(packages_for "$@")
    mapfile -t names < <(cut -f1 <<<"$rows")
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${names[@]}" 2>/dev/null | sed -n 's/^installed //p' || true)
    while IFS=$'\t' read -r package others why; do
        grep -qxF -- "$package" <<<"$installed" && continue
        there_otherwise "$others" && continue
        printf '%s\t%s\t%s\n' "$package" "$others" "$why"
    done <<<"$rows"
}

find_root_way() {
    if is_root; then
        sudo_=()
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo_=(sudo -n)
    else
        return 1
    fi
}

install_packages() {
    local rows names log=$top/build/log/apt.log
    rows=$(missing_packages "$@")
    [ -n "$rows" ] || return 0
    mapfile -t names < <(cut -f1 <<<"$rows")
    step "installing ${#names[@]} packages from Debian that are not here yet:"
    awk -F'\t' '{ printf "    %-34s %s\n", $1, $3 }' <<<"$rows"
    if ! find_root_way; then
        say "error: installing needs root or sudo without a password. An administrator can run:" >&2
        say "    apt-get install --no-install-recommends ${names[*]}" >&2
        exit 1
    fi
    as_user "$(owner_of "$top")" mkdir -p "$top/build/log"
    note "(apt's own words: build/log/apt.log)"
    if ! install_quietly "${names[@]}" >"$log" 2>&1; then
        tail -n 25 "$log" >&2
        die "apt could not install them; the lines above say why ($log has all of them)"
    fi
    say_what_was_undone
}

apt_get() {
    # ${array[@]+…}: an empty array is "unset" to older shells
    ${sudo_[@]+"${sudo_[@]}"} env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 APT_LISTCHANGES_FRONTEND=none \
        apt-get -y -q -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=300 "$@" </dev/null
}
as_admin() { ${sudo_[@]+"${sudo_[@]}"} "$@"; }

# Installing must not start, enable or change a service, and must not make a PostgreSQL cluster of the system's.
install_quietly() {
    local status=0
    undone=$(mktemp)
    services_before=$(enabled_services)
    clusters_before=$(ls /etc/postgresql/*/ 2>/dev/null || true)
    hold_services
    trap release_services EXIT
    apt_get update || status=$?
    # postgresql-common first: its file is what tells postgresql-15 not to make a cluster
    if [ "$status" = 0 ] && [[ " $* " == *" postgresql-15 "* ]]; then
        apt_get install --no-install-recommends postgresql-common || status=$?
        hold_cluster
    fi
    [ "$status" != 0 ] || apt_get install --no-install-recommends "$@" || status=$?
    drop_new_cluster
    disable_new_services
    release_services
    trap - EXIT
    return "$status"
}

policy=/usr/sbin/policy-rc.d
hold_services() {
    if as_admin test -e "$policy" && ! as_admin test -e "$policy.before-yunzhen"; then
        as_admin mv "$policy" "$policy.before-yunzhen"
    fi
    printf '#!/bin/sh\n# Made by ops/up while it installs packages; taken away afterwards.\nexit 101\n' |
        as_admin tee "$policy" >/dev/null
    as_admin chmod 755 "$policy"
}

createcluster=/etc/postgresql-common/createcluster.conf
hold_cluster() {
    as_admin test -e "$createcluster" || return 0
    as_admin cp -p "$createcluster" "$createcluster.before-yunzhen"
    printf 'create_main_cluster = false\n' | as_admin tee -a "$createcluster" >/dev/null
}

release_services() {
    if as_admin test -e "$createcluster.before-yunzhen"; then
        as_admin mv "$createcluster.before-yunzhen" "$createcluster"
    fi
    as_admin rm -f "$policy"
    if as_admin test -e "$policy.before-yunzhen"; then
        as_admin mv "$policy.before-yunzhen" "$policy"
    fi
}

# Units wanted by some target, and System V start links: what "enabled" means on disk, systemd running or not.
enabled_services() {
    find /etc/systemd/system -path '*.wants/*' -printf 'unit %f\n' 2>/dev/null | sort -u
    find /etc/rc2.d -name 'S*' -printf 'sysv %f\n' 2>/dev/null | sed -E 's/ S[0-9]+/ /' | sort -u
}

# Servers are left disabled; what the base system brings along (systemd's own units, dbus, udev: section admin) is its
# own business.
is_base_system() {
    local owner
    owner=$(dpkg -S "$1" 2>/dev/null | head -n 1 | cut -d: -f1)
    [ -n "$owner" ] && [ "$(dpkg-query -W -f '${Section}' "$owner" 2>/dev/null)" = admin ]
}

# name@instance.service comes from name@.service
unit_file() { sed -E 's/@[^.]*\./@./; s|^|*/systemd/system/|' <<<"$1"; }

disable_new_services() {
    local kind name
    while read -r kind name; do
        case $kind in
        unit)
            ! is_base_system "$(unit_file "$name")" || continue
            as_admin deb-systemd-helper disable "$name" || true
            ;;
        sysv)
            ! is_base_system "/etc/init.d/$name" || continue
            as_admin update-rc.d "$name" disable || true
            ;;
        *) continue ;;
        esac
        printf 'left disabled: %s (%s)\n' "$name" "$kind" >>"$undone"
    done < <(comm -13 <(printf '%s\n' "$services_before" | sort) <(enabled_services | sort))
}

drop_new_cluster() {
    local conf version name
    [ -z "$clusters_before" ] || return 0
    for conf in /etc/postgresql/*/*/postgresql.conf; do
        [ -e "$conf" ] || continue
        version=$(cut -d/ -f4 <<<"$conf")
        name=$(cut -d/ -f5 <<<"$conf")
        as_admin pg_dropcluster "$version" "$name" || true
        printf 'dropped the empty PostgreSQL cluster %s/%s that the package had made\n' "$version" "$name" >>"$undone"
    done
}

say_what_was_undone() {
    local line
    while IFS= read -r line; do
        note "$line"
    done <"$undone"
    rm -f "$undone"
    note "no system service was started or enabled"
}
