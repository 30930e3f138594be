# Sourced by deploy/mail/cyrus and deploy/mail/courier: IMAP servers whose Debian packages cannot be installed beside Dovecot's.
# They are unpacked into a cache folder instead, and started from there on a folder of their own. The script names `program` (its
# name), `packages` (which, the first one's version names the cache), and has: missing (says what is not there), write_settings
# (for $port and $tls_port), launch (becomes the server, in the foreground). Read from here: $folder, $users, $parts, $owner, $group.

say() { printf '%s: %s\n' "$program" "$*" >&2; }
usage() { sed -n '2,/^[^#]/s/^# //p' "$0" >&2; exit 64; }

# apt takes a second of a processor to say it, and says the same until its lists, its settings or what is installed change.
candidate() {
  local kept=${XDG_CACHE_HOME:-$HOME/.cache}/usher/$program.candidate since
  for since in /var/lib/apt/lists /var/lib/dpkg/status /etc/apt /etc/apt/sources.list.d /etc/apt/preferences.d; do
    [[ -s $kept && (! -e $since || $kept -nt $since) ]] || break
    since=
  done
  if [[ -n $since ]]; then
    mkdir -p "${kept%/*}"
    apt-cache policy "${packages[0]}" 2>/dev/null | awk '$1 == "Candidate:" && $2 != "(none)" {print $2}' >"$kept.$$"
    mv "$kept.$$" "$kept"
  fi
  cat "$kept"
}

# apt's lists may be missing, or so old that what they name is gone.
refresh_lists() { [[ $(id -u) -eq 0 ]] && apt-get -q update >/dev/null 2>&1; }

# Which of the files in the archive belong to this Debian; without its lists, what was unpacked last is good enough.
find_parts() {
  local base=${XDG_CACHE_HOME:-$HOME/.cache}/usher version last
  version=$(candidate)
  if [[ -z $version ]] && refresh_lists; then version=$(candidate); fi
  if [[ -z $version ]]; then
    last=$(ls -td "$base/$program"-[0-9]*/ 2>/dev/null | head -n 1)
    [[ -n $last ]] || { say "apt knows no package ${packages[0]}: apt-get update first"; exit 69; }
    parts=${last%/}
    return
  fi
  parts=$base/$program-${version//[^A-Za-z0-9.+~-]/_}
  [[ -d $parts ]] || unpack
}

fetch() { (cd "$1/archives" && apt-get -q -o APT::Sandbox::User=root download "${packages[@]}") >"$1/log" 2>&1; }

# Once, and whole or not at all: who comes second throws away what it made.
unpack() {
  local work archive
  mkdir -p "$(dirname "$parts")"
  work=$(mktemp -d "$parts.XXXXXX")
  mkdir "$work/archives" "$work/root"
  if ! fetch "$work" && ! { refresh_lists && fetch "$work"; }; then
    tail -n 5 "$work/log" >&2
    rm -rf "$work"
    say "its packages cannot be fetched: ${packages[*]}"
    exit 69
  fi
  for archive in "$work"/archives/*.deb; do dpkg-deb -x "$archive" "$work/root"; done
  # Read by the user that the server runs as, too.
  chmod -R go+rX "$work/root"
  mv -T "$work/root" "$parts" 2>/dev/null || [[ -d $parts ]]
  rm -rf "$work"
}

# The process of ours that works in this folder; a number that was given to another process meanwhile is none.
running() {
  pid=
  [[ -s $folder/$program.pid ]] || return 1
  pid=$(<"$folder/$program.pid")
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- " $folder/"
}

write_users() {
  local name
  touch "$folder/users"
  for name in "${users[@]}"; do
    [[ $name =~ ^[a-z0-9._@-]+$ ]] || { say "no name for a user: $name"; exit 64; }
    grep -q "^$name:" "$folder/users" ||
      printf '%s:{PLAIN}%s\n' "$name" "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" >>"$folder/users"
  done
  chmod 640 "$folder/users"
}

# `NAME PASSWORD` a line.
each_user() { sed 's/:{PLAIN}/ /' "$folder/users"; }

# An authority of its own, which forgets its key at once: nothing else will ever be signed by it.
write_certificate() {
  [[ -s $folder/server.pem ]] && return
  (
    cd "$folder"
    umask 077
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=Mail of this folder" -keyout ca.key -out ca.pem
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=localhost" -keyout server.key -out server.csr
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >server.ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile server.ext -out server.pem
    cat server.pem server.key >both.pem
    chown "$owner" server.key both.pem
    rm -f ca.key ca.srl server.csr server.ext
    chmod 644 ca.pem server.pem
  ) >"$folder/certificate.log" 2>&1 || { tail -n 5 "$folder/certificate.log" >&2; say "no certificate could be made"; exit 70; }
}

# Root owns no mail. So that another user reaches it, the folder lets through who knows where to go; root's cache may not.
choose_owner() {
  owner=$(id -un) group=$(id -gn)
  [[ $(id -u) -eq 0 ]] || return 0
  owner=nobody group=nogroup
  chmod 711 "$folder"
  as_owner test -x "$folder/." || { say "the user nobody cannot reach $folder; name a folder elsewhere, say below /var/tmp"; exit 73; }
  as_owner test -r "$parts/usr/." && return
  if [[ ! -d $folder/programs ]]; then cp -a "$parts" "$folder/programs"; fi
  parts=$folder/programs
}

as_owner() { setpriv --reuid="$owner" --regid="$group" --clear-groups "$@"; }

greets() {
  local line=
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  [[ $1 == "$tls_port" ]] || { read -r -t 5 line <&3 || true; }
  exec 3>&-
  [[ $1 == "$tls_port" || $line == "* OK"* ]]
} 2>/dev/null

# 0: it answers. 1: it ended (a port may have been taken). 2: it runs and does not answer. 3: a port is somebody else's.
await_answer() {
  local until=$((SECONDS + 20)) code=0
  # Whoever answers on the ports may be another one's server, which chose them in the same moment.
  python3 -B "$here/../own_listeners.py" "$pid" "$port" "$tls_port" || code=$?
  [[ $code -eq 0 ]] || return "$code"
  while ((SECONDS < until)); do
    kill -0 "$pid" 2>/dev/null || return 1
    if running && greets "$port" && greets "$tls_port"; then return 0; fi
    sleep 0.02
  done
  return 2
}

free_ports() {
  python3 -B -c 'import sys; sys.path.insert(0, sys.argv[1]); from free_port import free_port; print(free_port(), free_port())' "$here/.."
}

start() {
  command -v openssl >/dev/null && command -v dpkg-deb >/dev/null || { say "openssl or dpkg is missing: deploy/install-packages run"; exit 69; }
  mkdir -p "$folder"
  folder=$(cd "$folder" && pwd -P)
  if running; then cat "$folder/address"; return; fi
  if [[ ${#folder} -gt 80 ]]; then say "the folder's name is too long for a socket"; exit 64; fi
  find_parts
  local lacks attempt code kept=no
  lacks=$(missing)
  [[ -z $lacks ]] || { say "missing: $lacks: deploy/install-packages test"; exit 69; }
  choose_owner
  write_users
  write_certificate
  if [[ -s $folder/ports ]]; then kept=yes; fi
  for ((attempt = 0; attempt < 20; ++attempt)); do
    if [[ $kept == yes ]]; then read -r port tls_port <"$folder/ports"; else read -r port tls_port < <(free_ports); fi
    write_settings
    # A session of its own, so that its number is ours and a terminal's interrupt is not.
    launch </dev/null >>"$folder/$program.log" 2>&1 3>&- &
    pid=$!
    disown
    printf '%s' "$pid" >"$folder/$program.pid"
    code=0
    await_answer || code=$?
    if [[ $code -eq 0 ]]; then
      printf '%s %s\n' "$port" "$tls_port" >"$folder/ports"
      printf 'imaps imaps://127.0.0.1:%s\nimap imap://127.0.0.1:%s\nca_file %s/ca.pem\nusers_file %s/users\n' \
        "$tls_port" "$port" "$folder" "$folder" | tee "$folder/address"
      return
    fi
    end_session
    [[ ($code -eq 1 || $code -eq 3) && $kept == no ]] || break
  done
  rm -f "$folder/$program.pid"
  tail -n 8 "$folder/$program.log" >&2
  say "it does not start; see $folder/$program.log"
  exit 70
}

stop() {
  folder=$(cd "$folder" 2>/dev/null && pwd -P) || return 0
  running || return 0
  end_session
  rm -f "$folder/$program.pid" "$folder/address"
}

# $pid, and what it started.
end_session() {
  local waited
  if running; then kill -TERM "$pid"; fi
  for ((waited = 0; waited < 500; ++waited)); do
    running || break
    sleep 0.02
  done
  if running; then
    say "it does not stop; killed"
    kill -KILL "$pid"
  fi
  # Connections may outlive the first process; all of them are of its session, which no other process can have got.
  pkill -KILL --session "$pid" 2>/dev/null || true
}

run_action() {
  [[ $# -ge 1 ]] || usage
  local action=$1
  shift
  folder= users=()
  while [[ $# -gt 0 ]]; do
    case "$1" in
      --folder) folder=${2:?}; shift 2 ;;
      --user) users+=("${2:?}"); shift 2 ;;
      *) usage ;;
    esac
  done
  [[ -n $folder ]] || usage
  [[ ${#users[@]} -gt 0 ]] || users=(support)
  PATH=$PATH:/usr/sbin
  case "$action" in
    start) start ;;
    stop) stop ;;
    reconstruct) declare -F reconstruct >/dev/null || usage; reconstruct ;;
    *) usage ;;
  esac
}
