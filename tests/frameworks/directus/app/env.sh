# The settings of the server. No key or token here opens anything.
export HOST=127.0.0.1 PUBLIC_URL=https://cms.example.com SECRET=example
export DB_CLIENT=pg DB_HOST=$PGHOST DB_PORT=$PGPORT DB_USER=$PGUSER DB_PASSWORD=example DB_DATABASE=$PGDATABASE
export ADMIN_EMAIL=admin@example.com ADMIN_PASSWORD=example-password ADMIN_TOKEN=example-token
export STORAGE_LOCATIONS=s3,archive
for location in S3 ARCHIVE; do
    export "STORAGE_${location}_DRIVER=s3" "STORAGE_${location}_REGION=$AWS_DEFAULT_REGION"
    export "STORAGE_${location}_KEY=$AWS_ACCESS_KEY_ID" "STORAGE_${location}_SECRET=$AWS_SECRET_ACCESS_KEY"
    export "STORAGE_${location}_ENDPOINT=$S3_ENDPOINT" "STORAGE_${location}_FORCE_PATH_STYLE=true"
done
export STORAGE_S3_BUCKET=directus-fixture STORAGE_ARCHIVE_BUCKET=directus-archive
export TELEMETRY=false CACHE_ENABLED=false RATE_LIMITER_ENABLED=false EXTENSIONS_PATH=./extensions LOG_LEVEL=warn
export WEBSOCKETS_ENABLED=false MCP_ENABLED=false ASSETS_TRANSFORM_MAX_CONCURRENT=4
