-- The last visit is the latest of any representative; the next is due an interval after the last one that counts.
-- A customer never visited is due from the day its card was begun. No interval: never due.
UPDATE customer_row SET
  last_visit_ms = coalesce((SELECT max(v.started_ms) FROM visit_row v WHERE v.subject = ?1), 0),
  due_day = CASE
    WHEN interval_days = 0 THEN ?2
    ELSE coalesce(
      (SELECT max(v.day) + interval_days FROM visit_row v WHERE v.subject = ?1 AND v.counts = 1),
      opened_day
    )
  END
WHERE subject = ?1
