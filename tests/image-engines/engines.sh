# The programs that take images, each with its data in this run's own folder. Sourced by run.sh.
# shellcheck shell=bash disable=SC2034,SC2154

# Whom containers run as: the image's own user, and any user with group 0, as OpenShift gives out.
USERS=(65532:0 1000700000:0)
# How long one command of an engine may take, in seconds.
LIMIT=${LIMIT:-240}
PIDS=()

# Nothing runs longer than the limit; in the foreground, so that what stops this suite stops it too.
limited() { timeout --foreground "$LIMIT" "$@"; }

free_port() { "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.2
    done
}

# start LOG COMMAND...: a server of this run, which stops with it.
start() {
    local log="$1"
    shift
    "$@" >"$log" 2>&1 &
    PIDS+=($!)
}

# Ends what is left: containers of a step that was stopped, servers, and what they mounted.
stop_engines() {
    local container pid
    for container in "$WORK"/runc/*/; do
        [ ! -d "$container" ] || runc --root "$WORK/runc" delete --force "$(basename "$container")" || true
    done
    [ ! -d "$WORK/podman" ] || podman_ends
    for pid in "${PIDS[@]}"; do
        kill "$pid" 2>/dev/null || continue
        wait_for 20 eval "! kill -0 $pid" || kill -KILL "$pid" 2>/dev/null || true
    done
    unmount_below "$WORK"
}

# The innermost first.
unmount_below() {
    local mounted
    awk -v below="$1/" 'index($5, below) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
        while read -r mounted; do umount "$mounted" || umount --lazy "$mounted"; done
}

# --- registry -------------------------------------------------------------------------------------------------------

# start_registry NAME [HTPASSWD]: sets ADDRESS to its host and port.
start_registry() {
    local folder="$WORK/registry-$1" port
    port="$(free_port)"
    mkdir -p "$folder"
    {
        printf 'version: 0.1\nlog: {level: warn}\nstorage: {filesystem: {rootdirectory: %s/data}}\n' "$folder"
        printf 'http: {addr: "127.0.0.1:%s"}\n' "$port"
        [ -z "${2:-}" ] || printf 'auth: {htpasswd: {realm: test, path: %s}}\n' "$2"
    } >"$folder/config.yml"
    start "$folder/log" docker-registry serve "$folder/config.yml"
    ADDRESS="127.0.0.1:$port"
    wait_for 20 "$PYTHON" -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)"
}

# to_registry LAYOUT:REF NAME [OPTION...]: the very same bytes.
to_registry() {
    local from="$1" name="$2"
    shift 2
    limited skopeo copy --quiet --preserve-digests --dest-tls-verify=false "$@" "oci:$from" "docker://$name"
}

# --- umoci and runc -------------------------------------------------------------------------------------------------

umoci_unpack() { limited umoci unpack --image "$1" "$WORK/bundle"; }

# What a cluster mounts: a folder for the image's user and its group.
make_cache() {
    mkdir -p "$1"
    chown "${USERS[0]}" "$1"
    chmod 0775 "$1"
}

runc_check() {
    local name="mlresolve-$$-${1%%:*}"
    make_cache "$WORK/runc-cache"
    "$PYTHON" "$HERE/runc_config.py" "$WORK/bundle" "$1" "$WORK/runc-cache" python - "$1" "${CHECKED[@]}" &&
        limited runc --root "$WORK/runc" run --bundle "$WORK/bundle" "$name" <"$HERE/check.py"
}

# --- podman ---------------------------------------------------------------------------------------------------------

# Settings instead of options, so that `podman` as others call it does the same. Without a way to set limits as high as
# it does by default, and without systemd, containers start too.
prepare_podman() {
    mkdir -p "$WORK/podman"
    cat >"$WORK/podman/containers.conf" <<END
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "$WORK/podman/tmp"
END
    printf '[storage]\ndriver = "%s"\ngraphroot = "%s"\nrunroot = "%s"\n' \
        "$1" "$WORK/podman/storage" "$WORK/podman/run" >"$WORK/podman/storage.conf"
    export CONTAINERS_CONF="$WORK/podman/containers.conf" CONTAINERS_STORAGE_CONF="$WORK/podman/storage.conf"
}

# Containers run here at all, before anything is blamed on an image.
podman_works() {
    prepare_podman "$1"
    limited podman pull --quiet "oci-archive:$WORK/base.tar" >"$WORK/podman/base" 2>"$WORK/podman/log" &&
        limited podman run --rm --network=none "$(cat "$WORK/podman/base")" python3 -c 'import ssl' 2>"$WORK/podman/log"
}

# Before another attempt, or at the end: nothing mounted, nothing kept.
podman_ends() {
    podman rm --all --force --time 0 >/dev/null 2>&1 || true
    unmount_below "$WORK/podman"
    rm -rf --one-file-system "$WORK/podman/storage" "$WORK/podman/run" "$WORK/podman/tmp"
}

# --- docker ---------------------------------------------------------------------------------------------------------

# The daemon is in a mount namespace, where the folders outside its own that it writes to are memory: what it leaves goes
# with it.
start_dockerd() {
    local folder="$WORK/docker"
    mkdir -p "$folder/client"
    echo '{}' >"$folder/daemon.json"
    export DOCKER_HOST="unix://$folder/socket" DOCKER_CONFIG="$folder/client"
    # shellcheck disable=SC2016
    start "$folder/log" unshare --mount --propagation private \
        sh -ec 'for place in /run /opt /etc/docker; do mount -t tmpfs none "$place"; done; exec "$@"' - \
        dockerd --config-file "$folder/daemon.json" --host "$DOCKER_HOST" --data-root "$folder/data" \
        --exec-root "$folder/exec" --pidfile "$folder/pid" --bridge=none --iptables=false --ip6tables=false \
        --ip-forward=false --ip-masq=false
    wait_for 60 docker version
}

docker_works() {
    start_dockerd || return 1
    limited skopeo copy --quiet "oci:$WORK/base" "docker-archive:$WORK/base.docker.tar:base:1" &&
        limited docker load --input "$WORK/base.docker.tar" &&
        rm "$WORK/base.docker.tar" &&
        limited docker run --rm --network=none base:1 python3 -c 'import ssl'
}

# --- podman and docker, which are called alike ----------------------------------------------------------------------

# container_check ENGINE IMAGE USER: the volume is new, so that it is as the image's folder is.
container_check() {
    local engine="$1" volume="cache-${3%%:*}" status=0
    limited "$engine" run --rm -i --network=none --read-only --cap-drop=all --security-opt=no-new-privileges \
        --user "$3" --volume "$volume:/home/app/.cache" "$2" python - "$3" "${CHECKED[@]}" <"$HERE/check.py" || status=$?
    limited "$engine" volume rm "$volume" >/dev/null || true
    return $status
}

remove_images() {
    local engine="$1" images
    mapfile -t images < <(limited "$engine" images --quiet --no-trunc | sort -u)
    [ ${#images[@]} -eq 0 ] || limited "$engine" image rm --force "${images[@]}"
}

# The engine knows the image by the digest that it was built with.
pulled_as() {
    local found
    found="$("$1" image inspect --format '{{.RepoDigests}}' "$2")"
    echo "$found"
    [[ "$found" == *"@$3"* ]]
}
