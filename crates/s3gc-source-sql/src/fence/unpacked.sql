
DECLARE
    bare text := translate(packed, '-_', '+/');
    b bytea;
    inner_text text;
BEGIN
    IF length(bare) < 4 OR length(bare) % 4 = 1 OR length(bare) > 1048576 THEN
        RETURN NULL;
    END IF;
    -- Most words that are no base64 of text show it in their first three bytes.
    b := decode(left(bare, 4), 'base64');
    FOR n IN 0..2 LOOP
        IF get_byte(b, n) < 32 AND get_byte(b, n) NOT IN (9, 10, 11, 12, 13) OR get_byte(b, n) = 127 THEN
            RETURN NULL;
        END IF;
    END LOOP;
    b := decode(bare || repeat('=', (4 - length(bare) % 4) % 4), 'base64');
    IF position('\x00'::bytea IN b) > 0 THEN
        RETURN NULL;
    END IF;
    inner_text := convert_from(b, 'LATIN1');
    IF inner_text !~ '[/.:{]' OR inner_text ~ '[\u0001-\u0008\u000e-\u001f\u007f]' THEN
        RETURN NULL;
    END IF;
    -- The bytes of the sign for Kelvin.
    RETURN replace(inner_text, chr(226) || chr(132) || chr(170), 'k');
END
