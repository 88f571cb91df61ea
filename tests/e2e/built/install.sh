#!/bin/sh
# Installs, upgrades, removes and purges the package in a copy of this system
# that is thrown away: an overlay in a mount namespace of its own. What
# `package_test.ts` asserts about is printed behind "== ".
#
#   install.sh OLD.deb NEW.deb PORT DENO
set -eu

if [ "${INSIDE:-}" = "" ]; then
  exec unshare --mount --propagation=private env INSIDE=mounts sh "$0" "$@"
fi

if [ "$INSIDE" = mounts ]; then
  here=$(cd "$(dirname "$0")" && pwd)
  mount -t tmpfs none /mnt
  mkdir /mnt/upper /mnt/work /mnt/root
  mount -t overlay overlay /mnt/root \
    -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work
  for folder in proc dev; do mount --rbind /$folder /mnt/root/$folder; done
  mount -t tmpfs none /mnt/root/run
  mkdir -p /mnt/root/packages
  cp "$here/install.sh" "$here/notified.ts" "$1" "$2" /mnt/root/packages
  cp "$4" /mnt/root/packages/deno
  exec env INSIDE=root chroot /mnt/root sh /packages/install.sh \
    "/packages/$(basename "$1")" "/packages/$(basename "$2")" "$3"
fi

say() { echo "== $*"; }

dpkg --install "$1"
say "installed $(dpkg-query --show --showformat '${Version} ${Status}' umbra)"
say "user $(id -u umbra) $(getent passwd umbra | cut -d: -f6,7)"
say "folder $(stat --format '%U:%G %a' /etc/umbra)"
say "owned by root $(dpkg --listfiles umbra | xargs stat --format %U | sort -u)"
say "$(env -i /usr/bin/umbra --version)"
for name in ss-local ss-server ss-tunnel ss-redir; do
  say "name $(env -i /usr/lib/umbra/$name --help | head -1)"
done
say "sums $(cd / && md5sum --check --quiet /var/lib/dpkg/info/umbra.md5sums && echo right)"
if command -v systemd-analyze >/dev/null; then
  systemd-analyze verify umbra-server@main.service umbra-local@main.service &&
    say "units are right"
fi

umask 027
cat >/etc/umbra/main.json <<JSON
{"server": "127.0.0.1", "server_port": $3, "method": "aes-256-gcm", "password": "x"}
JSON
chgrp umbra /etc/umbra/main.json

# What systemd would do of the unit, as far as it matters here.
serve() {
  words=$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/umbra-server@.service |
    sed 's/%i/main/g')
  install -d -o umbra -g umbra /var/lib/umbra
  # shellcheck disable=SC2086
  /packages/deno run --no-config --unstable-net -A /packages/notified.ts $words
}

say "served $(serve)"
dpkg --install "$2"
say "upgraded $(dpkg-query --show --showformat '${Version} ${Status}' umbra)"
say "kept $(stat --format '%U:%G %a' /etc/umbra/main.json)"
say "served again $(serve)"
dpkg --remove umbra
say "removed $(dpkg-query --show --showformat '${Status}' umbra 2>/dev/null || echo wholly)"
say "program $(ls /usr/bin/umbra 2>/dev/null || echo gone)"
dpkg --purge umbra
say "purged: $(ls -d /etc/umbra /var/lib/umbra /usr/lib/umbra 2>/dev/null || echo nothing left)"
say "user $(getent passwd umbra || echo gone)"
