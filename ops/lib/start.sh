# shellcheck shell=bash
# start.sh - starting the supervisor and waiting until everything answers.

front_address() {
    local port
    port=$(as_run sed -n 's/^ *listen 127\.0\.0\.1:\([0-9]*\);.*/\1/p' "$data/nginx/nginx.conf" 2>/dev/null | head -n 1)
    printf 'http://127.0.0.1:%s/\n' "${port:-$(setting http.port)}"
}

# Somebody else's listener would only show as a daemon that never gets ready. /proc/net is there without any tool.
port_taken() {
    local file=$1 port=$2 state=$3 hex
    hex=$(printf '%04X' "$port")
    awk -v p=":$hex\$" -v s="$state" '$2 ~ p && ($4 == s || s == "") { found = 1 } END { exit !found }' \
        "/proc/net/$file" 2>/dev/null
}

check_ports() {
    local n port
    port=$(setting http.port)
    ! port_taken tcp "$port" 0A || die "port $port is taken by another program; YUNZHEN_HTTP_PORT names another"
    if [ -n "$tls" ]; then
        port=$(setting https.port)
        ! port_taken tcp "$port" 0A || die "port $port is taken by another program; YUNZHEN_HTTPS_PORT names another"
    fi
    port=$(setting dicom.port)
    ! port_taken tcp "$port" 0A || die "port $port is taken by another program; YUNZHEN_DICOM_PORT names another"
    for ((n = 0; n < $(media_workers); n++)); do
        port=$(($(setting media.port) + n))
        if port_taken udp "$port" '' || port_taken tcp "$port" 0A; then
            die "port $port is taken by another program; YUNZHEN_MEDIA_PORT names another"
        fi
    done
}

yunzhen() { as_run "$(bin_dir)/yunzhen" "--data=$reach" "--home=$program" "$@"; }

# A misspelt name in <data>/config would otherwise be a setting that quietly does nothing.
check_settings() {
    as_run test -e "$data/config" || return 0
    yunzhen config --check || die "$data/config is not understood"
}

# What a killed supervisor left would hold the ports.
clear_orphans() {
    as_run test -e "$data/run/processes" || return 0
    as_run "$(bin_dir)/yz-supervise" "--data=$reach" --clear=true 2>>"$data/log/supervise.log" ||
        die "processes of an earlier start do not stop; $data/log/supervise.log names them"
}

start_supervisor() {
    local how=("$(bin_dir)/yz-supervise" "--data=$reach")
    export_settings
    if [ -n "$detach" ]; then
        as_run setsid "${how[@]}" </dev/null >/dev/null 2>>"$data/log/supervise.log" &
    else
        # in front: the supervisor also ends when this script is killed
        as_run "${how[@]}" --foreground=true </dev/null >/dev/null 2>>"$data/log/supervise.log" &
    fi
    supervisor=$!
}

stop_now() {
    trap '' INT TERM HUP
    local pid
    if pid=$(running_pid); then
        say "stopping …"
        as_run kill -TERM "$pid" 2>/dev/null || true
        while running_pid >/dev/null; do sleep 0.1; done
        say "stopped"
    fi
}

start_and_wait() {
    step "starting (logs: $data/log)"
    as_run rm -f "$data/run/status.json"
    start_supervisor
    trap 'stop_now; exit 130' INT TERM HUP
    if ! yunzhen status --wait="$(setting start.timeout)" --progress; then
        trap - INT TERM HUP
        stop_now
        die "it did not get ready; the log above belongs to the process that is to blame"
    fi
    trap - INT TERM HUP
}

say_where_it_is() {
    local address
    say ""
    say "Yunzhen is ready:  $(front_address)"
    if [ -n "$tls" ]; then
        for address in $(lan_addresses); do
            say "on the network:    https://$address:$(setting https.port)/"
        done
    fi
    yunzhen user demo-passwords 2>/dev/null || true
}

# In front: until Ctrl-C, or until the supervisor ends by itself.
stay() {
    say ""
    say "Ctrl-C stops it."
    trap 'stop_now; exit 0' INT TERM HUP
    wait "$supervisor" || true
    stop_now
    die "the supervisor has ended; $data/log/supervise.log says why"
}
