#!/usr/bin/env bash
# Runs the installer as root on this machine's own files, in a mount namespace of its own: what it writes is seen by nobody
# else and is gone when this ends.
#
#   unshare --mount --propagation private bash as-root.sh REPOSITORY PROGRAM FOLDER
set -euo pipefail
repository=$1 program=$2 folder=$3

mount -t tmpfs tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$folder/root"
for shared in /dev /proc "$repository" "$(dirname "$program")"; do
  mkdir -p "$folder/root$shared"
  mount --bind "$shared" "$folder/root$shared"
done

cat > "$folder/root/inside.sh" <<'INSIDE'
set -euo pipefail
repository=$1 program=$2 config=/etc/agent-runtime/agent-runtime.toml
as_account() { runuser -u agent-runtime -- agent-runtime "$@" --config "$config"; }

"$repository/compose/install.sh" --binary "$program"
echo "# mine" >> "$config"
"$repository/compose/install.sh" --binary "$program"
grep -q '^# mine$' "$config"
for path in /usr/local/bin/agent-runtime /var/lib/agent-runtime /etc/agent-runtime "$config" \
  /etc/systemd/system/agent-runtime.service; do
  stat -c 'has %n %U %a' "$path"
done

as_account serve &
node=$!
for _ in $(seq 300); do
  as_account status > /dev/null 2>&1 && break
  sleep 0.1
done
echo 'what is there?' | as_account chat --json
as_account doctor --only config,secrets,rights,store,audit,node,alarms
kill -TERM "$(cat /var/lib/agent-runtime/agent-runtime/lock)"
wait "$node"
as_account verify
echo "has run"
INSIDE
chroot "$folder/root" bash /inside.sh "$repository" "$program"
