#!/usr/bin/env bash
# Puts an index into PostgreSQL with pgvector, and finds pictures by words there.
#
#   clip index photos
#   pgvector_search.sh photos "a red bicycle"
#
# psql finds the database by its usual variables (PGHOST, PGDATABASE …). CLIP is the program, CLIP_MODEL the model.
set -euo pipefail
index=$1 text=$2 clip=${CLIP:-clip}

query=$("$clip" embed-text "$text" --format pgcopy | cut -f 2)
dimension=$(tr -cd , <<<"$query" | wc -c)

psql --quiet --set ON_ERROR_STOP=1 <<SQL
CREATE EXTENSION IF NOT EXISTS vector;
DROP TABLE IF EXISTS pictures;
CREATE TABLE pictures (path text, embedding vector($((dimension + 1))), model text);
SQL
"$clip" vectors --index "$index" --format pgcopy | psql --quiet --set ON_ERROR_STOP=1 --command "COPY pictures FROM STDIN"

# Exact. For an approximate index: CREATE INDEX ON pictures USING hnsw (embedding vector_cosine_ops)
psql --quiet --no-align --tuples-only --set ON_ERROR_STOP=1 --set query="$query" <<'SQL'
SELECT json_build_object('path', path, 'cosine', 1 - (embedding <=> :'query'))
FROM pictures ORDER BY embedding <=> :'query' LIMIT 10
SQL
