-- A number that grows with everything that decides who sees what and what people are called: what was worked out from these
-- tables is good for as long as it stays. Triggers keep it, so that a command beside a running server is noticed too.
CREATE TABLE account_version (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO account_version (id, version) VALUES (1, 1);
CREATE TRIGGER user_made AFTER INSERT ON user BEGIN UPDATE account_version SET version = version + 1; END;
CREATE TRIGGER user_changed AFTER UPDATE OF login, name, role, disabled_ms ON user BEGIN UPDATE account_version SET version = version + 1; END;
CREATE TRIGGER user_gone AFTER DELETE ON user BEGIN UPDATE account_version SET version = version + 1; END;
CREATE TRIGGER territory_made AFTER INSERT ON territory BEGIN UPDATE account_version SET version = version + 1; END;
CREATE TRIGGER territory_changed AFTER UPDATE ON territory BEGIN UPDATE account_version SET version = version + 1; END;
CREATE TRIGGER territory_gone AFTER DELETE ON territory BEGIN UPDATE account_version SET version = version + 1; END;
CREATE TRIGGER assignment_made AFTER INSERT ON assignment BEGIN UPDATE account_version SET version = version + 1; END;
CREATE TRIGGER assignment_gone AFTER DELETE ON assignment BEGIN UPDATE account_version SET version = version + 1; END;
