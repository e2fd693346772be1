#!/usr/bin/env bash
# Runs the contract of a vault on Azurite, the emulator of Azure Blob Storage, from npm. It goes into target/azurite:
# nothing is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$PWD/target/azurite
mkdir -p "$dir"

# Azurite's own, and everybody's.
account=devstoreaccount1
key=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==

if [[ ! -x $dir/node_modules/.bin/azurite-blob ]]; then
    npm install --prefix "$dir" --silent --no-audit --no-fund --omit=optional azurite@3.37.0
fi

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
"$dir/node_modules/.bin/azurite-blob" --blobPort "$port" --location "$work" --silent --skipApiVersionCheck \
    --disableTelemetry >"$work/log" 2>&1 &

# Makes the container, as soon as the server answers.
python3 - "$port" "$account" "$key" <<'PYTHON'
import base64, datetime, hashlib, hmac, sys, time, urllib.error, urllib.request

port, account, key = sys.argv[1:]


def container():
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {"x-ms-date": date, "x-ms-version": "2021-08-06"}
    signed = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
    text = "PUT" + "\n" * 12 + f"{signed}/{account}/{account}/vault\nrestype:container"
    digest = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {account}:{base64.b64encode(digest).decode()}"
    url = f"http://127.0.0.1:{port}/{account}/vault?restype=container"
    return urllib.request.Request(url, method="PUT", headers=headers)


deadline = time.monotonic() + 60
while True:
    try:
        urllib.request.urlopen(container())
        break
    except urllib.error.HTTPError:
        raise
    except OSError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.1)
PYTHON

export AZURE_STORAGE_USE_EMULATOR=true AZURITE_BLOB_STORAGE_URL=http://127.0.0.1:$port
export AZURE_STORAGE_ACCOUNT_NAME=$account AZURE_STORAGE_ACCOUNT_KEY=$key
export S3GC_TEST_AZURITE=vault S3GC_TEST_REQUIRE=${S3GC_TEST_REQUIRE:+$S3GC_TEST_REQUIRE,}azurite
cargo test --locked -p s3gc-vault-object --features azure --test azurite "$@"
