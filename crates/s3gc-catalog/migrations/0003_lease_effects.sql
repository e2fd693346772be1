-- Until when requests of an earlier holder, who did not give the lease back, may still land.
ALTER TABLE lease ADD COLUMN effects_after TEXT;
