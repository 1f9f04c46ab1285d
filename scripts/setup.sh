#!/bin/bash
# Makes sure that the tests find a WebGPU adapter and a browser: Dawn needs a Vulkan driver, and a software one will do.
# Quick where they are there. As root on Debian and Ubuntu it installs packages; what the system then still lacks comes
# from the npm registry into .cache/, which needs no root. Where that fails too it says what to install and goes on, and
# the tests that need it fail with the same words. EKPHRASIS_NO_INSTALL=1 keeps it from installing packages.
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

lacks_browser() { [ -z "${EKPHRASIS_CHROMIUM:-}" ] && ! works browser; }
lacks_adapter() { ! works lavapipe && ! works swiftshader && ! works system; }

install_lavapipe() {
  case "$distribution" in
    'debian bookworm') install_backported_mesa ;;
    *) install_packages libvulkan1 mesa-vulkan-drivers ;;
  esac
}

start=$SECONDS
mkdir -p build
look

if may_install; then
  : >"$log"
  if [ $family = debian ] && { lacks_browser || lacks_adapter; }; then
    say 'installing libvulkan1 and chromium (its SwiftShader is an adapter) …'
    install_packages libvulkan1 chromium
    look
  fi
  # About three times faster than SwiftShader, but not needed; so one failure is not met again within the same day.
  tried=build/lavapipe-tried
  if ! works lavapipe && [ -z "$(find "$tried" -mmin -1440 2>/dev/null)" ]; then
    say 'installing mesa-vulkan-drivers (its lavapipe is the fastest software adapter) …'
    install_lavapipe || { touch "$tried"; say "could not (see $log); SwiftShader does as well, slower"; }
    look
  fi
fi

# Ubuntu's chromium is a snap, which a container cannot run; and a person may not be root.
if lacks_browser || lacks_adapter; then
  say 'fetching a headless Chromium with SwiftShader from the npm registry into .cache/ (70 MB) …'
  node scripts/fetch-chromium.mjs || say 'could not fetch it'
  look
fi

for kind in lavapipe swiftshader browser; do
  if works $kind; then say "$(grep "^$kind:" <<<"$machine")"; fi
done
if ! works lavapipe && ! works swiftshader && works system; then say "$(grep '^system:' <<<"$machine")"; fi
if lacks_adapter; then
  say 'NO WEBGPU ADAPTER. Install the Vulkan loader and a driver: that of the GPU, or lavapipe of Mesa 23.2 or later. On Debian:'
  say 'apt-get install libvulkan1 chromium. On Ubuntu: apt-get install libvulkan1 mesa-vulkan-drivers.'
fi
if ! works browser; then
  say 'NO BROWSER. On Debian: apt-get install chromium. Elsewhere: Google Chrome, or run'
  say '`npx playwright-core install --with-deps chromium`, or set EKPHRASIS_CHROMIUM to the path of a Chromium.'
fi
say "ready after $((SECONDS - start)) s"
