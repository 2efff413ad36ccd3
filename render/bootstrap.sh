#!/bin/sh
# The fixed part of the bootstrap script; render/bootstrap.ts puts the settings in front and the call behind.
# SC2154: the settings. SC2317: traps call those functions.
# shellcheck disable=SC2154,SC2317
node_dir=$prefix/node/$node_id
node=$node_dir/bin/node
npm_cli=$node_dir/lib/node_modules/npm/bin/npm-cli.js
program_dir=$prefix/program/$program_id
known=
[ "${1-}" != "$known_option" ] || known=yes
action=present
staging=
child=
watchdog=

say() {
  printf 'gatehouse: %s\n' "$*" >&2
}

json_text() {
  printf '%s' "$1" | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g'
}

# fail LAYER CODE STATUS MESSAGE FIX
fail() {
  printf 'gatehouse: bootstrap failed [%s/%s]: %s\n  fix: %s\n' "$1" "$2" "$4" "$5" >&2
  printf '%s{"ok":false,"error":{"layer":"%s","code":"%s","message":"%s","fix":"%s"}}\n' \
    "$result_mark" "$1" "$2" "$(json_text "$4")" "$(json_text "$5")"
  exit "$3"
}

# A trap waits for a command in the foreground, so long ones run in the background.
interruptible() {
  "$@" &
  child=$!
  wait "$child"
  status=$?
  child=
  return "$status"
}

start_watchdog() {
  script=$$
  (
    sleeper=
    trap 'kill "$sleeper" 2>/dev/null; exit 0' TERM
    sleep "$watchdog_seconds" &
    sleeper=$!
    wait "$sleeper"
    kill -TERM "$script"
  ) >/dev/null 2>&1 &
  watchdog=$!
}

clean_up() {
  if [ -n "$child" ]; then kill "$child" 2>/dev/null; fi
  if [ -n "$watchdog" ]; then kill "$watchdog" 2>/dev/null; fi
  if [ -n "$staging" ]; then rm -rf "$staging"; fi
}

timed_out() {
  fail host timeout "$exit_unavailable" "bootstrap was not done after $watchdog_seconds s" \
    "look at the last progress line and at the node's network, then run the same command again"
}

interrupted() {
  fail host interrupted "$exit_unavailable" "bootstrap was interrupted" "run the same command again"
}

read_machine_id() {
  if [ -r "$root/etc/machine-id" ]; then
    tr -cd '0-9a-f' <"$root/etc/machine-id"
  elif command -v ioreg >/dev/null; then
    ioreg -rd1 -c IOPlatformExpertDevice | sed -n 's/.*"IOPlatformUUID" = "\([0-9A-F-]*\)".*/\1/p'
  fi
}

same_id() {
  [ "$(printf '%s' "$1" | tr 'A-F' 'a-f')" = "$(printf '%s' "$2" | tr 'A-F' 'a-f')" ]
}

machine_changed() {
  fail host machine-changed "$exit_refused" "$1" \
    "check that the address still leads to the machine you mean; to accept this one, set \"machineId: $machine\" on the node in the spec"
}

check_machine() {
  machine=$(read_machine_id)
  if [ -z "$machine" ]; then
    fail host machine-id "$exit_unavailable" "this machine has no machine id" \
      "Linux: run systemd-machine-id-setup on the node; macOS: look at ioreg -rd1 -c IOPlatformExpertDevice"
  fi
  record=
  if [ -e "$state/machine.json" ]; then
    record=$(sed -n 's/.*"machineId" *: *"\([0-9A-Za-z-]*\)".*/\1/p' "$state/machine.json")
    record=${record:-unreadable}
  fi
  if [ -n "$pinned_machine" ]; then
    same_id "$pinned_machine" "$machine" ||
      machine_changed "this machine is $machine, but the spec pins the machine id $pinned_machine"
  elif [ -n "$record" ]; then
    [ "$record" = "$machine" ] ||
      machine_changed "this machine is $machine, but it was provisioned as $record (a copied disk or a changed machine id)"
  elif [ -n "$known" ]; then
    machine_changed "this machine ($machine) has never been provisioned, but this node has: it was replaced or reinstalled"
  fi
}

record_machine() {
  [ "$record" = "$machine" ] && return
  (
    umask 077
    printf '{"machineId":"%s"}\n' "$machine" >"$state/.machine.json.$$" &&
      mv -f "$state/.machine.json.$$" "$state/machine.json"
  ) || fail "config or disk" state "$exit_os" "cannot write $state/machine.json" "check the file system of $state"
}

find_target() {
  case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    *) os=$(uname -s) ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) arch=$(uname -m) ;;
  esac
  target=$os-$arch
  select_archives "$target" ||
    fail host platform "$exit_unavailable" "there is no pinned Node for $target" \
      "use a Linux or macOS machine on x64 or arm64, or name an archive and its integrity under runtime.node.archives"
}

# Node 24 does not start on an older macOS, and says so in words that name no version.
check_macos() {
  [ "$os" = darwin ] || return 0
  release=$(sw_vers -productVersion 2>/dev/null)
  major=${release%%.*}
  minor=${release#*.}
  minor=${minor%%.*}
  case $major$minor in
    '' | *[!0-9]*) major=0 minor=0 ;;
  esac
  if [ "$major" -gt 13 ] || { [ "$major" -eq 13 ] && [ "$minor" -ge 5 ]; }; then return 0; fi
  fail host macos-version "$exit_unavailable" "this is macOS ${release:-of an unknown version}" \
    "Node 24 needs macOS 13.5 or newer: update the machine"
}

make_directories() {
  if mkdir -p "$prefix/node" "$prefix/program" "$prefix/runtime" "$state/locks" "$state/gateways" &&
    chmod 0755 "$prefix" "$prefix/node" "$prefix/program" "$prefix/runtime" &&
    chmod 0700 "$state" "$state/locks" "$state/gateways"; then
    return
  fi
  disk_full_or "cannot make the directories $prefix and $state" "check owner, mode and mount options of /opt and /var/lib"
}

free_kilobytes() {
  df -Pk "$prefix" | awk 'NR == 2 { print $4 }'
}

disk_full() {
  fail "config or disk" disk-full "$exit_os" "$1" \
    "free space on the file system of $prefix, then run the same command again; nothing that was live has changed"
}

# disk_full_or MESSAGE FIX: a write failed; says so, or that the disk is full when it is.
disk_full_or() {
  free=$(free_kilobytes 2>/dev/null)
  if [ "${free:-9999}" -lt 1024 ]; then disk_full "$1: the file system is full"; fi
  fail "config or disk" write "$exit_os" "$1" "$2"
}

check_disk() {
  free=$(free_kilobytes)
  if [ "${free:-0}" -lt $((needed_megabytes * 1024)) ]; then
    disk_full "$prefix has $((free / 1024)) MB free, unpacking Node needs $needed_megabytes MB"
  fi
}

# A staging directory of a run that is gone: its name ends with that run's process id.
remove_leftovers() {
  for leftover in "$prefix"/node/.staging-* "$prefix"/program/.staging-*; do
    [ -d "$leftover" ] || continue
    kill -0 "${leftover##*-}" 2>/dev/null && continue
    say "removing a half-finished download ($leftover)"
    rm -rf "$leftover"
  done
}

prepare_network() {
  if [ -n "$proxy" ]; then
    http_proxy=$proxy https_proxy=$proxy
    export http_proxy https_proxy
  fi
  if [ -n "$no_proxy_hosts" ]; then
    no_proxy=$no_proxy_hosts
    export no_proxy
  fi
  ca_file=
  if [ -n "$(extra_ca_pem)" ]; then
    ca_file=$staging/ca.pem
    for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
      if [ -r "$bundle" ]; then
        cat "$bundle"
        break
      fi
    done >"$ca_file"
    extra_ca_pem >>"$ca_file"
  fi
}

# first_of COMMAND ...: the first one that is installed
first_of() {
  for candidate in "$@"; do
    if command -v "$candidate" >/dev/null; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

find_tools() {
  digest_tool=$(first_of sha512sum shasum openssl) ||
    fail host tool-missing "$exit_unavailable" "the node has no sha512sum, shasum or openssl" "install coreutils on the node"
  fetch_tool=$(first_of curl wget) || fetch_tool=
  for tool in tar gzip awk sed df; do
    first_of "$tool" >/dev/null ||
      fail host tool-missing "$exit_unavailable" "the node has no $tool" "install $tool on the node"
  done
}

# fetch URL FILE
fetch() {
  if [ "$fetch_tool" = curl ]; then
    set -- --fail --silent --show-error --location --retry 2 --connect-timeout 15 --speed-limit 1000 --speed-time 30 \
      --output "$2" "$1"
    if [ -n "$ca_file" ]; then set -- --cacert "$ca_file" "$@"; fi
    interruptible curl "$@"
  else
    set -- -q -T 30 -O "$2" "$1"
    if [ -n "$ca_file" ]; then set -- --ca-certificate="$ca_file" "$@"; fi
    interruptible wget "$@"
  fi
}

# digest BITS FILE: hex
digest() {
  case $digest_tool in
    sha512sum) "sha$1sum" "$2" ;;
    shasum) shasum -a "$1" "$2" ;;
    openssl) openssl dgst -r "-sha$1" "$2" ;;
  esac | awk '{ print $1 }'
}

# download NAME URL BITS HEX FILE: nothing that was not checked is left behind.
download() {
  say "downloading $1"
  if ! fetch "$2" "$5"; then
    free=$(free_kilobytes)
    rm -f "$5"
    if [ "${free:-9999}" -lt 1024 ]; then disk_full "the disk filled up while $1 was being downloaded"; fi
    fail runtime download "$exit_unavailable" "$1 could not be downloaded (curl's or wget's own words are above)" \
      "check registry, proxy and extra certificate authorities of the node in the spec, and the node's network"
  fi
  found=$(digest "$3" "$5")
  if [ "$found" != "$4" ]; then
    rm -f "$5"
    fail runtime integrity "$exit_refused" "$1 does not have the pinned checksum and was deleted (sha$3 $found instead of $4)" \
      "do not use that registry or mirror until you know why; compare with another one"
  fi
}

# unpack NAME FILE DIRECTORY
unpack() {
  mkdir -p "$3" && interruptible tar -xzof "$2" -C "$3" --strip-components=1 && rm -f "$2" && return
  disk_full_or "$1 could not be unpacked" "check that tar and gzip work on the node"
}

# publish FROM TO: rename that never moves into an existing directory, as mv would; the first of two runs wins.
publish() {
  # The text is JavaScript.
  # shellcheck disable=SC2016
  "$node_now" -e '
    const fs = require("node:fs"), path = require("node:path"), [from, to] = process.argv.slice(1);
    try { fs.renameSync(from, to) } catch (error) {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
      fs.rmSync(from, { recursive: true });
    }
    const parent = fs.openSync(path.dirname(to), "r");
    fs.fsyncSync(parent);
  ' "$1" "$2" || disk_full_or "cannot put $2 in place" "check the file system of $prefix"
}

flush() {
  sync -f "$1" 2>/dev/null || sync
}

node_is_complete() {
  [ -f "$npm_cli" ] && [ -x "$node" ] && [ "$("$node" --version 2>/dev/null)" = "$node_version" ]
}

# stage DIRECTORY
stage() {
  staging=$1
  rm -rf "$staging"
  mkdir "$staging" || disk_full_or "cannot make $staging" "check the file system of $prefix"
}

install_node() {
  if [ -z "$fetch_tool" ]; then
    fail host tool-missing "$exit_unavailable" "the node has neither curl nor wget" "install curl on the node"
  fi
  check_disk
  stage "$prefix/node/.staging-$node_id-$$"
  prepare_network
  download "Node $node_version for $target" "$node_url" "$node_bits" "$node_hex" "$staging/node.tgz"
  unpack "Node" "$staging/node.tgz" "$staging/tree"
  rm -rf "$staging/tree/lib/node_modules/npm"
  download "npm" "$npm_url" "$npm_bits" "$npm_hex" "$staging/npm.tgz"
  unpack "npm" "$staging/npm.tgz" "$staging/tree/lib/node_modules/npm"
  chmod -R u+rwX,go+rX,go-w "$staging/tree"
  chown -R 0:0 "$staging/tree"
  node_now=$staging/tree/bin/node
  version=$("$node_now" --version 2>&1)
  if [ "$version" != "$node_version" ]; then
    fail runtime node-version "$exit_refused" "the unpacked Node does not run here as $node_version: $version" \
      "Node 24 needs glibc 2.28 (Linux) or macOS 13.5; otherwise the archive is not what its pin says"
  fi
  flush "$staging"
  # Only damage from outside leaves a Node that cannot run under its final name.
  node_is_complete || rm -rf "$node_dir"
  publish "$staging/tree" "$node_dir"
  rm -rf "$staging"
  staging=
  action=installed
}

program_is_complete() {
  [ -x "$program_dir/gatehouse-node" ] &&
    [ "$(digest 256 "$program_dir/gatehouse-node.mjs" 2>/dev/null)" = "$program_hash" ]
}

install_program() {
  say "installing the on-node program $program_id"
  stage "$prefix/program/.staging-$program_id-$$"
  # The text is JavaScript.
  # shellcheck disable=SC2016
  program_base64 | "$node" -e '
    const fs = require("node:fs"), zlib = require("node:zlib"), crypto = require("node:crypto");
    const [staging, final, node, hash, os] = process.argv.slice(1);
    const text = zlib.gunzipSync(Buffer.from(fs.readFileSync(0, "latin1"), "base64"));
    if (crypto.createHash("sha256").update(text).digest("hex") !== hash) throw new Error("the program arrived damaged");
    const wrapper = [
      "#!/bin/sh",
      "exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 GATEHOUSE_PLATFORM="
        + os + " " + node + " --disable-warning=ExperimentalWarning " + final + "/gatehouse-node.mjs \"$@\"",
      "",
    ].join("\n");
    for (const [name, content, mode] of [["gatehouse-node.mjs", text, 0o644], ["gatehouse-node", wrapper, 0o755]]) {
      const file = fs.openSync(staging + "/" + name, "wx", mode);
      fs.writeFileSync(file, content);
      fs.fsyncSync(file);
    }
  ' "$staging" "$program_dir" "$node" "$program_hash" "$os" ||
    disk_full_or "the on-node program could not be written" "run the same command again"
  node_now=$node
  program_is_complete || rm -rf "$program_dir"
  publish "$staging" "$program_dir"
  staging=
  action=installed
}

# Commands are in functions: a script that is cut off in the middle of its text runs none of them.
main() {
  set -u
  umask 022
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  LC_ALL=C
  export PATH LC_ALL
  trap '' PIPE HUP
  trap clean_up EXIT
  trap timed_out TERM
  trap interrupted INT
  if [ "$(id -u)" != 0 ]; then
    fail host not-root "$exit_permission" "bootstrap runs as root" "connect as root or as a user whose sudo needs no password"
  fi
  start_watchdog
  find_tools
  find_target
  check_macos
  check_machine
  make_directories
  record_machine
  remove_leftovers
  node_is_complete || install_node
  program_is_complete || install_program
  printf '%s{"ok":true,"value":{"machineId":"%s","target":"%s","nodePath":"%s","programPath":"%s","action":"%s"}}\n' \
    "$result_mark" "$machine" "$target" "$node" "$program_dir/gatehouse-node" "$action"
}
