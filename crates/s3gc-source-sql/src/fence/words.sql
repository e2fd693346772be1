
DECLARE
    -- What Unicode normalisation or a filter makes a letter of ASCII: the sign for Kelvin, and a capital I with a dot.
    t text := replace(replace(value, chr(8490), 'k'), chr(304), 'i ');
    w text[] := '{}';
    before text;
    run text;
    rest text;
    packed text;
    inner_text text;
BEGIN
    FOR level IN 0..8 LOOP
        w := w || regexp_split_to_array(lower(t COLLATE "C"), '[^a-z0-9]+');
        IF t ~ '[A-Z]|ewo' THEN
            FOR run IN SELECT m[1] FROM regexp_matches(t, '[A-Za-z0-9+/_-]{4,}', 'g') AS m LOOP
                rest := run;
                FOR n IN 1..64 LOOP
                    FOREACH packed IN ARRAY ARRAY[rest, replace(rest, '/', '')] LOOP
                        inner_text := s3gc_fence.unpacked(packed);
                        IF inner_text IS NULL THEN
                            CONTINUE;
                        ELSIF depth = 0 THEN
                            w := w || '*'::text;
                        ELSE
                            w := w || s3gc_fence.words(inner_text, depth - 1);
                        END IF;
                    END LOOP;
                    EXIT WHEN strpos(rest, '/') = 0;
                    rest := substr(rest, strpos(rest, '/') + 1);
                END LOOP;
            END LOOP;
        END IF;
        EXIT WHEN t !~ '[%&\\]';
        -- A letter or a digit that is escaped makes the value opaque.
        IF t ~* ('%(3[0-9]|[46][1-9a-f]|[57][0-9a])|[%\\]u00(3[0-9]|[46][1-9a-f]|[57][0-9a])'
                || '|\\x(3[0-9]|[46][1-9a-f]|[57][0-9a])|&#x0*(3[0-9]|[46][1-9a-f]|[57][0-9a]);'
                || '|&#0*(4[89]|5[0-7]|6[5-9]|[78][0-9]|90|9[7-9]|1[01][0-9]|12[0-2]);'
                || '|%e2%84%aa|%c4%b0|[%\\]u(212a|0130)|&#x0*(212a|130);|&#0*(8490|304);') THEN
            w := w || '*'::text;
        END IF;
        before := t;
        t := regexp_replace(t, '%(?!23|25|26|3b|5c|u)[0-9a-f]{2}|[%\\]u(?!00(23|25|26|3b|5c))[0-9a-f]{4}'
            || '|\\x(?!23|25|26|3b|5c)[0-9a-f]{2}|\\[bfnrt]', ' ', 'gi');
        -- What may be a part of another escape is undone, once a level: the signs in between begin none.
        t := regexp_replace(t, '[%\\]u0025|\\x25|%25|&percnt;|&#0*37;|&#x0*25;', chr(57344), 'gi');
        t := regexp_replace(t, '[%\\]u0026|\\x26|%26|&amp;|&#0*38;|&#x0*26;', chr(57345), 'gi');
        t := regexp_replace(t, '[%\\]u005c|\\x5c|%5c|&bsol;|&#0*92;|&#x0*5c;', chr(57346), 'gi');
        t := regexp_replace(t, '[%\\]u0023|\\x23|%23|&num;|&#0*35;|&#x0*23;', chr(57347), 'gi');
        t := regexp_replace(t, '[%\\]u003b|\\x3b|%3b|&semi;|&#0*59;|&#x0*3b;', chr(57348), 'gi');
        t := translate(t, chr(57344) || chr(57345) || chr(57346) || chr(57347) || chr(57348), '%&\#;');
        EXIT WHEN t = before;
        IF level = 8 THEN
            w := w || '*'::text;
        END IF;
    END LOOP;
    RETURN w;
END
