#!/usr/bin/env bash
# Installs what the tests need beside the Rust toolchain, on Debian and its relatives. Quick when all is there.
# No system service is started or enabled by the installation: the tests start servers of their own.
set -euo pipefail

has() { type -P "$1" >/dev/null || [[ -x /usr/sbin/$1 ]]; }
has_postgres() { has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
has_moto() { python3 -c 'import moto.server' 2>/dev/null; }

packages=()
has cc || packages+=(build-essential)
has git || packages+=(git)
has tar || packages+=(tar)
has zstd || packages+=(zstd)
has lz4 || packages+=(lz4)
{ has age && has age-keygen; } || packages+=(age)
has kill || packages+=(procps)
has_postgres || packages+=(postgresql)
{ has mariadbd && has mariadb-install-db && has mariadb; } || packages+=(mariadb-server)
has python3 || packages+=(python3)
has_moto || python3 -m pip --version >/dev/null 2>&1 || packages+=(python3-pip)

as_root() {
    if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

if (( ${#packages[@]} > 0 )); then
    if ! has apt-get || { [[ $(id -u) != 0 ]] && ! has sudo; }; then
        echo "setup: please install, as root: ${packages[*]} (Debian's names), then try again" >&2
        exit 1
    fi
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        # Packages ask this program whether they may start their service: 101 is no.
        trap 'as_root rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    echo "setup: installing ${packages[*]}"
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${packages[@]}"
fi

if ! has_moto; then
    echo "setup: installing moto, the second S3 server of the tests"
    flags=()
    # Debian's Python wants to be asked twice (PEP 668); a virtual environment or another Python does not.
    if python3 - <<'PY'
import os, sys, sysconfig
marker = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
sys.exit(0 if sys.prefix == sys.base_prefix and os.path.exists(marker) else 1)
PY
    then
        flags+=(--break-system-packages)
    fi
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore "${flags[@]}" \
        'moto[server]>=5.1,<6'
fi
