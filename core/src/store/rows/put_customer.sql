INSERT INTO customer_row (
  subject, name, name_key, aliases, addresses, people, territory, owner, substitute,
  grade, business_type, location_type, retail_format, channel_level, lifecycle, stage, lat_e7, lon_e7,
  opened_day, interval_days, grade_weight, last_visit_ms, due_day, stale_from_ms, complete_percent,
  review_count, waiting_count, updated_ms, search_print
) VALUES (
  ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,
  ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
  ?19, ?20, ?21, 0, 2147483647, ?22, ?23,
  ?24, ?25, ?26, ?27
)
ON CONFLICT (subject) DO UPDATE SET
  name = excluded.name, name_key = excluded.name_key, aliases = excluded.aliases, addresses = excluded.addresses,
  people = excluded.people, territory = excluded.territory, owner = excluded.owner, substitute = excluded.substitute,
  grade = excluded.grade, business_type = excluded.business_type, location_type = excluded.location_type,
  retail_format = excluded.retail_format, channel_level = excluded.channel_level, lifecycle = excluded.lifecycle,
  stage = excluded.stage, lat_e7 = excluded.lat_e7, lon_e7 = excluded.lon_e7, opened_day = excluded.opened_day,
  interval_days = excluded.interval_days, grade_weight = excluded.grade_weight, stale_from_ms = excluded.stale_from_ms,
  complete_percent = excluded.complete_percent, review_count = excluded.review_count,
  waiting_count = excluded.waiting_count, updated_ms = excluded.updated_ms, search_print = excluded.search_print
RETURNING no
