#!/bin/bash
# Makes sure that the tests find a WebGPU adapter and a browser: Dawn needs a Vulkan driver, and a software one will do.
# Quick where they are there. As root on Debian and Ubuntu it installs what lacks; elsewhere it says what to install and
# goes on, and the tests that need it then fail with the same words. EKPHRASIS_NO_INSTALL=1 keeps it from installing.
set -uo pipefail
cd "$(dirname "$0")/.."

say() { echo "setup: $*"; }

look() { machine=$(node scripts/machine.mjs 2>&1) || say "cannot look: $machine"; }
works() { grep -q "^$1: works" <<<"$machine"; }

distribution=$( (. /etc/os-release 2>/dev/null && echo "${ID:-} ${VERSION_CODENAME:-}") || true)
case "$distribution" in debian\ *) family=debian ;; ubuntu\ *) family=ubuntu ;; *) family=other ;; esac

may_install() {
  [ "$(id -u)" = 0 ] && [ $family != other ] && command -v apt-get >/dev/null && [ "${EKPHRASIS_NO_INSTALL:-}" != 1 ]
}

log=build/setup.log
apt() {
  DEBIAN_FRONTEND=noninteractive timeout 600 apt-get -qq -o Acquire::Retries=2 -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "$@" >>"$log" 2>&1 </dev/null
}
updated=''
update_once() { [ -n "$updated" ] || { apt update; updated=yes; }; }

install_packages() {
  update_once
  apt install -y --no-install-recommends "$@" || { say "could not install $*: see $log"; tail -n 3 "$log"; return 1; }
}

# Debian 12's own Mesa is too old for Dawn. The backports come from the mirror that bookworm itself comes from.
backports_file=/etc/apt/sources.list.d/ekphrasis-backports.sources
install_backported_mesa() {
  local mirror
  update_once # apt knows the mirrors of downloaded lists alone
  if ! apt-get indextargets --format '$(CODENAME)' 2>/dev/null | grep -qx bookworm-backports; then
    mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null | sed -n 's/^bookworm //p' | head -n 1)
    [ -n "$mirror" ] || { say 'found no mirror of bookworm in the sources of apt'; return 1; }
    cat >"$backports_file" <<SOURCE
# Written by scripts/setup.sh of ekphrasis for mesa-vulkan-drivers; remove it freely.
Types: deb
URIs: $mirror
Suites: bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCE
    if ! apt update -o APT::Update::Error-Mode=any -o Dir::Etc::sourcelist="$backports_file" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0; then
      rm -f "$backports_file"
      return 1
    fi
  fi
  apt install -y --no-install-recommends -t bookworm-backports mesa-vulkan-drivers
}

start=$SECONDS
mkdir -p build
look

if may_install; then
  : >"$log"
  if ! works browser || ! { works lavapipe || works swiftshader; }; then
    if [ $family = debian ]; then
      say 'installing libvulkan1 and chromium (its SwiftShader is the adapter) …'
      install_packages libvulkan1 chromium
    elif ! works lavapipe; then
      say 'installing libvulkan1 and mesa-vulkan-drivers (its lavapipe is the adapter) …'
      install_packages libvulkan1 mesa-vulkan-drivers
    fi
    look
  fi
  # Not needed, only about three times faster than SwiftShader; so one failure is not met again within the same day.
  tried=build/lavapipe-tried
  if ! works lavapipe && [ $family = debian ] && [ -z "$(find "$tried" -mmin -1440 2>/dev/null)" ]; then
    if [ "$distribution" = 'debian bookworm' ]; then
      say 'installing mesa-vulkan-drivers of bookworm-backports (lavapipe, the faster adapter) …'
      install_backported_mesa || { touch "$tried"; say "could not (see $log); SwiftShader does as well, slower"; }
    else
      say 'installing mesa-vulkan-drivers (lavapipe, the faster adapter) …'
      install_packages mesa-vulkan-drivers || { touch "$tried"; say 'SwiftShader does as well, slower'; }
    fi
    look
  fi
fi

for kind in lavapipe swiftshader browser; do
  if works $kind; then say "$(grep "^$kind:" <<<"$machine")"; fi
done
if ! works lavapipe && ! works swiftshader; then
  if works system; then say "$(grep '^system:' <<<"$machine")"; else
    say 'NO WEBGPU ADAPTER. On Debian: apt-get install libvulkan1 chromium. On Ubuntu: apt-get install libvulkan1 mesa-vulkan-drivers.'
    say 'Elsewhere: the Vulkan loader and a driver for the GPU, or lavapipe of Mesa 24 or later.'
  fi
fi
if ! works browser; then
  say 'NO BROWSER. On Debian: apt-get install chromium. On Ubuntu that package only points to a snap: install Google Chrome,'
  say 'or run `npx playwright-core install --with-deps chromium`, or set EKPHRASIS_CHROMIUM to the path of a Chromium.'
fi
say "ready after $((SECONDS - start)) s"
