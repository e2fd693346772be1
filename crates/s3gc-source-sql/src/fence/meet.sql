
DECLARE
    w text[];
    met record;
BEGIN
    IF value IS NULL OR value = '' THEN
        RETURN;
    END IF;
    w := s3gc_fence.words(value, 2);
    -- Nothing to go by: it may name anything.
    IF NOT EXISTS (SELECT FROM unnest(w) AS word WHERE word <> '') AND value !~ '^\s*$' THEN
        w := w || '*'::text;
    END IF;
    -- The locks are held to the end of the transaction: whoever marks keys passes over those that are locked.
    FOR met IN
        SELECT c.key, c.state, c.restores FROM s3gc_fence.condemned c
        WHERE c.owner = for_owner AND c.needle = ANY (w) AND c.runs <@ w AND (names_directories OR NOT c.is_prefix)
        FOR SHARE
    LOOP
        IF met.state = 'deleting' AND NOT met.restores AND current_setting('session_replication_role') <> 'replica' THEN
            RAISE EXCEPTION 's3gc is deleting the object % that this row refers to', quote_literal(met.key)
                USING ERRCODE = '40001', HINT = 'Try the transaction again, with a new upload of the object.';
        ELSIF met.state <> 'condemned' THEN
            INSERT INTO s3gc_fence.resurrect (owner, key) VALUES (for_owner, met.key);
        END IF;
    END LOOP;
END
