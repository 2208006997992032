# shellcheck shell=bash
# common.sh - sourced by every script here: where things are, whose they are, and how we speak.
#
# After `find_places`:  top      the checkout
#                       data     the data folder
#                       run_user who the daemons run as
#                       program  where what runs is read from: the checkout, or its copy in the data folder
#                       reach    the data folder by a short name, for the paths of unix sockets
set -euo pipefail
umask 022
unset CDPATH
export LC_ALL=C.UTF-8
top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
system_user=yunzhen
system_data=/var/lib/yunzhen
data='' run_user='' program='' reach=''

say() { printf '%s\n' "$*"; }
step() { printf '%s\n' "==> $*"; }
note() { printf '    %s\n' "$*"; }
warn() { printf '%s\n' "warning: $*" >&2; }
die() { printf '%s\n' "error: $*" >&2; exit 1; }

is_root() { [ "$(id -u)" = 0 ]; }
owner_of() { stat -c %U -- "$1"; }
user_exists() { getent passwd "$1" >/dev/null; }

# as_user USER command…: only root can become somebody else; anybody can stay who he is.
as_user() {
    local user=$1 home
    shift
    if ! is_root || [ "$user" = root ]; then
        "$@"
        return
    fi
    home=$(getent passwd "$user" | cut -d: -f6)
    [ -d "$home" ] || home=/tmp
    HOME=$home USER=$user LOGNAME=$user setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups -- "$@"
}
as_run() { as_user "$run_user" "$@"; }

# Can the user who will run it read the checkout? A user that does not exist yet sees what anybody sees.
others_can_read() {
    local user=$1 path=$2
    if user_exists "$user"; then
        as_user "$user" test -r "$path/ops/up" -a -x "$path/ops"
    else
        setpriv --reuid=65534 --regid=65534 --clear-groups -- test -r "$path/ops/up" -a -x "$path/ops"
    fi 2>/dev/null
}

# Root never runs the product: an existing data folder's owner does, or else the system user.
find_places_as_root() {
    run_user=$system_user
    data=${YUNZHEN_DATA:-$top/var}
    if [ -d "$data" ] && [ "$(owner_of "$data")" != root ]; then
        run_user=$(owner_of "$data")
    elif [ -z "${YUNZHEN_DATA:-}" ] && ! others_can_read "$run_user" "$top"; then
        data=$system_data
    fi
    program=$top
    others_can_read "$run_user" "$top" || program=$data/program
}

find_places() {
    if is_root; then
        find_places_as_root
    else
        run_user=$(id -un)
        data=${YUNZHEN_DATA:-$top/var}
        program=$top
    fi
    case $data in /*) ;; *) data=$PWD/$data ;; esac
    case $data in *$'\n'*) die "the data folder's name has a line break in it" ;; esac
    export YUNZHEN_DATA=$data
    reach=$(short_name)
    [ -e "$reach" ] || reach=$data # nothing runs: nothing needs it
    if [ -e "$data" ] && [ ! -x "$data" ]; then
        die "the data folder $data belongs to $(owner_of "$data"): run this as root or as that user, or name another folder with YUNZHEN_DATA"
    fi
}

# A unix socket's path ends at 107 bytes; the longest of ours needs 30 below the data folder. A deeper folder is reached
# through a link of a short name, made by ops/up in a folder of the run user's own.
short_name() {
    if [ ${#data} -le 70 ]; then
        printf '%s\n' "$data"
    else
        printf '/tmp/yz-%s/data\n' "$(printf '%s' "$data" | sha256sum | cut -c1-12)"
    fi
}

# setting NAME: environment, then <data>/config, then ops/settings.list.
setting() {
    local name=$1 var value
    var=YUNZHEN_$(tr 'a-z.' 'A-Z_' <<<"$name")
    if [ -n "${!var:-}" ]; then
        printf '%s\n' "${!var}"
        return
    fi
    value=$(setting_from_file "$name")
    [ -n "$value" ] || value=$(default_of "$name")
    printf '%s\n' "$value"
}

setting_from_file() {
    [ -r "$data/config" ] || return 0
    awk -F= -v n="$1" '!/^[ \t]*#/ { k = $1; gsub(/[ \t]/, "", k)
        if (k == n) { sub(/^[^=]*=[ \t]*/, ""); sub(/[ \t]+$/, ""); v = $0 } } END { if (v != "") print v }' "$data/config"
}

default_of() {
    awk -F'|' -v n="$1" '!/^#/ { k = $1; gsub(/[ \t]/, "", k)
        if (k == n) { gsub(/^[ \t]+|[ \t]+$/, "", $2); print $2 } }' "$top/ops/settings.list"
}

# Everything in <data>/config reaches the daemons as environment, which each of them reads.
export_settings() {
    local name value var
    [ -r "$data/config" ] || return 0
    while IFS='=' read -r name value; do
        name=$(tr -d ' \t' <<<"$name")
        case $name in '' | \#*) continue ;; esac
        var=YUNZHEN_$(tr 'a-z.' 'A-Z_' <<<"$name")
        value=$(sed 's/^[ \t]*//; s/[ \t]*$//' <<<"$value")
        [ -n "${!var:-}" ] || export "$var=$value"
    done <"$data/config"
}

# The supervisor holds a lock as long as it lives; its pid stands in the file.
running_pid() {
    [ -r "$data/supervise.lock" ] || return 1
    if flock -n -s "$data/supervise.lock" true 2>/dev/null; then
        return 1
    fi
    head -n 1 "$data/supervise.lock"
}

# Which build runs: build/release, or what YUNZHEN_BUILD names (a sanitizer build, say).
build=${YUNZHEN_BUILD:-build/release}
bin_dir() { printf '%s\n' "$program/$build/bin"; }
