# shellcheck shell=bash
# render.sh - writes what the supervisor, nginx and PostgreSQL read: run/processes, nginx/nginx.conf, pg.conf.

# template FILE NAME=VALUE…: every @NAME@ in the file becomes its value.
template() {
    local text pair
    text=$(<"$1")
    shift
    for pair in "$@"; do
        text=${text//"@${pair%%=*}@"/"${pair#*=}"}
    done
    if [[ $text =~ @[A-Z_]+@ ]]; then
        die "a template has ${BASH_REMATCH[0]} without a value"
    fi
    printf '%s\n' "$text"
}

# write_as_run FILE: stdin becomes the file in one step.
write_as_run() { as_run sh -c 'cat >"$1.new" && mv "$1.new" "$1"' _ "$1"; }

lan_addresses() { hostname -I 2>/dev/null | tr ' ' '\n' | grep -E '^[0-9]+(\.[0-9]+){3}$' || true; }

media_address() {
    local value
    value=$(setting media.address)
    if [ "$value" != auto ]; then
        printf '%s\n' "$value"
    elif [ -n "$tls" ]; then
        { echo 127.0.0.1; lan_addresses; } | paste -sd,
    else
        echo local # Firefox pairs nothing with a loopback address: every address, answering this machine only
    fi
}

media_workers() {
    local n
    n=$(setting media.workers)
    [ "$n" = auto ] || { printf '%s\n' "$n"; return; }
    n=$(nproc)
    [ "$n" -le 4 ] || n=4
    printf '%s\n' "$n"
}

render_postgres() {
    template "$program/ops/postgres/postgresql.conf.in" "DATA=$data" "RUN=$reach/run" "BUFFERS=$(setting postgres.buffers)" \
        "CONNECTIONS=$(setting postgres.connections)" | write_as_run "$data/pg.conf"
}

render_nginx() {
    local dir=$data/nginx tls_file=/dev/null name said
    [ -z "$tls" ] || tls_file=$dir/tls.conf
    for name in headers proxy dicomweb tls; do
        template "$program/ops/nginx/$name.conf.in" "DATA=$reach" "HTTPS_PORT=$(setting https.port)" |
            write_as_run "$dir/$name.conf"
    done
    template "$program/ops/nginx/nginx.conf.in" "DATA=$reach" "WEB=$program/web/dist" "TLS=$tls_file" \
        "HTTP_PORT=$(setting http.port)" "BODY_MAX=$(setting http.body_max)" \
        "UPLOAD_MAX=$(setting http.upload_max)" | write_as_run "$dir/nginx.conf"
    # through a pipe of the run user's own: nginx opens /dev/stdout anew
    said=$(as_run bash -c 'set -o pipefail; "$@" 2>&1 | cat' _ "$(nginx_program)" -t -q -e stderr -p "$dir/" -c nginx.conf) ||
        die "nginx does not accept its configuration $dir/nginx.conf: $said"
}

nginx_program() { command -v nginx || printf '/usr/sbin/nginx\n'; }

# ---- run/processes: the supervisor's table ---------------------------------------------------------------

process() { printf 'process %s\n' "$1"; }
command_line() {
    printf '  run %s\n' "$1"
    shift
    [ $# = 0 ] || printf '  arg %s\n' "$@"
}

# daemon NAME PROGRAM READY-SOCKET args…: left out, aloud, when it is not built.
daemon() {
    local name=$1 file ready=$3
    file=$(bin_dir)/$2
    shift 3
    if [ ! -x "$file" ]; then
        note "$name is left out: $file is not built" >&2
        return 0
    fi
    process "$name"
    printf '  ready unix:%s/run/%s\n' "$reach" "$ready"
    command_line "$file" "--data=$reach" "$@"
}

process_postgres() {
    process postgres
    printf '  ready unix:%s/run/pg/.s.PGSQL.5432\n' "$reach"
    printf '  stop INT 60\n'
    printf '  pidfile %s/pg/postmaster.pid\n' "$data"
    command_line "$(cluster_bin)/postgres" -D "$data/pg" -c "config_file=$data/pg.conf"
}

process_prepare() {
    process prepare
    printf '  once\n'
    command_line "$(bin_dir)/yunzhen" "--data=$reach" "--home=$program" prepare "--demo=$(setting demo)"
}

process_nginx() {
    process nginx
    printf '  ready tcp:127.0.0.1:%s\n' "$(setting http.port)"
    printf '  stop TERM 5\n' # fast: open live sockets would hold a graceful end up
    command_line "$(nginx_program)" -e stderr -p "$data/nginx/" -c nginx.conf -g 'daemon off;'
}

process_table() {
    local n address port
    address=$(media_address)
    port=$(setting media.port)
    process_postgres
    process_prepare
    daemon recorderd yz-recorderd recorderd.sock --node=3
    daemon schedulerd yz-schedulerd schedulerd.sock --node=1
    daemon dicomd yz-dicomd dicomd.sock --node=4 "--dicom.port=$(setting dicom.port)"
    for ((n = 0; n < $(media_workers); n++)); do
        daemon "mediad-$n" yz-mediad "mediad-$n.sock" "--worker=$n" "--media.address=$address" \
            "--media.port=$port" "--node=$((10 + n))"
    done
    daemon signald yz-signald signald.sock --node=2 "--media.workers=$(media_workers)"
    process_nginx
}

render_processes() { process_table | write_as_run "$data/run/processes"; }
