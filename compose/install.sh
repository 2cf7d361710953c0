#!/usr/bin/env bash
# Installs Agent Runtime on this machine as docs/install.md tells: program, account, folders, configuration, service.
# What is there already is kept: it can be run again at any time, and is run again for an update.
#
#   compose/install.sh [--dry-run] [--binary FILE] [--root DIR]
#
#   --dry-run      print what would be done, and do nothing
#   --binary FILE  install this program instead of building one
#   --root DIR     lay the files out below DIR, for a package: no account, no owners, no service
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."

dry="" binary="" root=""
account=agent-runtime

say() { printf '== %s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}

while (($#)); do
  case $1 in
    --dry-run) dry=yes ;;
    --binary) binary=${2:?"--binary needs a file"} && shift ;;
    --root) root=${2:?"--root needs a folder"} && shift ;;
    *) fail "$1 is not known; see the head of $0" ;;
  esac
  shift
done

# Given from the folder in which this was called.
case $binary in "" | /*) ;; *) binary=$here/$binary ;; esac
case $root in "" | /*) ;; *) root=$here/$root ;; esac

# Prints a command, and runs it unless this is a dry run.
run() {
  printf '+ %s\n' "$*"
  [ -n "$dry" ] || "$@"
}

# The same as root, where that is needed.
as_root() {
  if [ -n "$root" ] || [ "$(id -u)" = 0 ]; then run "$@"; else run sudo "$@"; fi
}

# Arguments of `install` that give something to the account.
owned() { [ -n "$root" ] || printf '%s\n' -o "$account" -g "$account"; }

build() {
  if [ -z "$binary" ]; then
    command -v cargo >/dev/null || [ -n "$dry" ] || fail "cargo is not there; install it from https://rustup.rs, or give --binary FILE"
    run cargo build --release --locked
    binary=${CARGO_TARGET_DIR:-target}/release/agent-runtime
  fi
  [ -n "$dry" ] || [ -x "$binary" ] || fail "$binary is no program; give --binary FILE"
}

place_program() { as_root install -D -m 0755 "$binary" "$root/usr/local/bin/agent-runtime"; }

make_account() {
  [ -z "$root" ] || return 0
  if id "$account" >/dev/null 2>&1; then
    say "the account $account is there"
  else
    as_root useradd --system --user-group --home-dir "/var/lib/$account" --shell /usr/sbin/nologin "$account"
  fi
}

make_folders() {
  local owner=()
  mapfile -t owner < <(owned)
  as_root install -d -m 0700 "${owner[@]}" "$root/var/lib/agent-runtime"
  as_root install -d -m 0700 "${owner[@]}" "$root/etc/agent-runtime"
}

write_configuration() {
  local file=$root/etc/agent-runtime/agent-runtime.toml
  if as_root_quietly test -e "$file"; then
    say "$file is there and is kept"
    return 0
  fi
  as_root "$root/usr/local/bin/agent-runtime" config init "$file"
  as_root sed -i 's|^#data = .*|data = "/var/lib/agent-runtime"|' "$file"
  [ -n "$root" ] || as_root chown "$account:$account" "$file"
}

# Looks where only root may; asks for no password in a dry run.
as_root_quietly() {
  if [ -n "$root" ] || [ "$(id -u)" = 0 ] || [ -n "$dry" ]; then "$@" 2>/dev/null; else sudo "$@"; fi
}

place_service() {
  as_root install -D -m 0644 compose/systemd/agent-runtime.service "$root/etc/systemd/system/agent-runtime.service"
  [ -z "$root" ] || return 0
  if [ -d /run/systemd/system ] || [ -n "$dry" ]; then
    as_root systemctl daemon-reload
    as_root systemctl enable agent-runtime
    as_root systemctl restart agent-runtime
  else
    say "systemd does not run here; start the node by: agent-runtime serve --config /etc/agent-runtime/agent-runtime.toml"
  fi
}

build
place_program
make_account
make_folders
write_configuration
place_service
say "done; look at it with: sudo -u $account agent-runtime doctor --config /etc/agent-runtime/agent-runtime.toml"
