-- The last decision of all devices, without a walk over everything that was ever set aside.
CREATE INDEX quarantine_by_decided_no ON quarantine (decided_no);
