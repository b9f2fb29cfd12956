-- Schema 6: a photo that was fetched is named by the document that it was fetched for, and leaves with it. Those that nothing names can be
-- fetched again; their files are swept away at the start.

DELETE FROM blob WHERE NOT EXISTS (SELECT 1 FROM blob_name n WHERE n.hash = blob.hash);
